#include "relay/login/tls_context.h"

#include <gmock/gmock.h>
#include <sys/stat.h>

#include <fstream>

#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

class TlsContextTest : public ::testing::Test {
 protected:
  // The login key, with which the relay starts.
  std::string start() {
    ListenTlsConfig config;
    config.enabled = true;
    const auto opened = TlsContext::open(config, files());
    EXPECT_OK(opened);
    return opened.ok() ? (*opened)->login_public_key() : "";
  }
  std::filesystem::path files() const { return directory.path() / "tls"; }
  static constexpr const char* kMade[] = {"login_key.pem", "key.pem", "certificate.pem"};

  TemporaryDirectory directory;
};

TEST_F(TlsContextTest, KeepsTheKeysItMade) {
  const std::string key = start();
  EXPECT_THAT(key, ::testing::HasSubstr("PUBLIC KEY"));
  EXPECT_EQ(start(), key);
  for (const char* name : kMade) {
    struct stat found {};
    ASSERT_EQ(::stat((files() / name).c_str(), &found), 0) << name;
    EXPECT_EQ(found.st_mode & 0777, 0600u) << name;
    EXPECT_FALSE(std::filesystem::exists(files() / (std::string(name) + ".new"))) << name;
  }
}

// Whatever a first start left that was killed.
TEST_F(TlsContextTest, StartsBehindAFirstStartThatWasCutOff) {
  for (const char* name : kMade) {
    start();
    write_file(files() / name, {});
    EXPECT_THAT(start(), ::testing::HasSubstr("PUBLIC KEY")) << name << " is empty";
    std::filesystem::remove(files() / name);
    write_file(files() / (std::string(name) + ".new"), as_bytes("-----BEGIN PRIV"));
    EXPECT_THAT(start(), ::testing::HasSubstr("PUBLIC KEY")) << name << " is half written";
    EXPECT_EQ(start(), start());
  }
}

}  // namespace
}  // namespace binrelay
