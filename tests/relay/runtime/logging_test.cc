#include "relay/runtime/logging.h"

#include <gtest/gtest.h>
#include <spdlog/spdlog.h>

#include <regex>

namespace binrelay {
namespace {

std::string logged(const LogConfig& config, const std::string& message) {
  testing::internal::CaptureStderr();
  make_logger(config)->clone("main")->warn(message);
  return testing::internal::GetCapturedStderr();
}

TEST(Logging, TextLineStaysOneLine) {
  const std::string line = logged({"info", false}, "lost \"it\"\nfake \x1b[31mline");
  EXPECT_TRUE(std::regex_match(
      line, std::regex(R"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z warn  \[main\] lost "it"\\nfake \\x1b\[31mline\n)")))
      << line;
}

TEST(Logging, JsonLineIsEscaped) {
  const std::string line = logged({"info", true}, "lost \"it\"\n\xff");
  EXPECT_TRUE(std::regex_match(
      line, std::regex(R"(\{"time":"\d{4}-.*Z","level":"warn","stream":"main","message":"lost \\"it\\"\\n)"
                       "\xef\xbf\xbd"
                       R"("\}\n)")))
      << line;
}

TEST(Logging, LevelsBelowTheConfiguredAreSilent) {
  EXPECT_EQ(logged({"error", false}, "hidden"), "");
  EXPECT_NE(logged({"debug", false}, "shown"), "");
}

}  // namespace
}  // namespace binrelay
