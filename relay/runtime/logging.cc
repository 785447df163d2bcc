#include "relay/runtime/logging.h"

#include <spdlog/formatter.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/stdout_sinks.h>

#include <cstdio>
#include <ctime>
#include <nlohmann/json.hpp>

namespace binrelay {
namespace {

std::string hex_byte(const char* format, unsigned char byte) {
  char text[8];
  std::snprintf(text, sizeof text, format, byte);
  return text;
}

bool is_control(unsigned char c) { return c < 0x20 || c == 0x7f; }

// A JSON string with its quotes; bytes that are no UTF-8 become U+FFFD.
std::string json_text(std::string_view text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

// "2026-11-22T10:00:00.123Z"
std::string time_text(spdlog::log_clock::time_point time) {
  const auto since_epoch = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch()).count();
  const std::time_t seconds = static_cast<std::time_t>(since_epoch / 1000);
  std::tm fields{};
  ::gmtime_r(&seconds, &fields);
  char date[32], text[48];
  std::strftime(date, sizeof date, "%Y-%m-%dT%H:%M:%S", &fields);
  std::snprintf(text, sizeof text, "%s.%03dZ", date, static_cast<int>(since_epoch % 1000));
  return text;
}

std::string level_text(spdlog::level::level_enum level) {
  switch (level) {
    case spdlog::level::trace:
    case spdlog::level::debug:
      return "debug";
    case spdlog::level::info:
      return "info";
    case spdlog::level::warn:
      return "warn";
    default:
      return "error";
  }
}

// LineFormatter writes one log line. Thread: any, under the sink's mutex. Owner: the sink.
class LineFormatter : public spdlog::formatter {
 public:
  explicit LineFormatter(bool json) : json_(json) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& line) override {
    const std::string_view stream(message.logger_name.data(), message.logger_name.size());
    const std::string_view payload(message.payload.data(), message.payload.size());
    const std::string text = json_ ? json_line(message, stream, payload) : text_line(message, stream, payload);
    line.append(text.data(), text.data() + text.size());
  }
  std::unique_ptr<spdlog::formatter> clone() const override { return std::make_unique<LineFormatter>(json_); }

 private:
  static std::string text_line(const spdlog::details::log_msg& message, std::string_view stream,
                               std::string_view payload) {
    std::string level = level_text(message.level);
    level.resize(6, ' ');
    const std::string name = stream.empty() ? "" : "[" + std::string(stream) + "] ";
    return time_text(message.time) + " " + level + name + escape_control_characters(payload) + "\n";
  }
  static std::string json_line(const spdlog::details::log_msg& message, std::string_view stream,
                               std::string_view payload) {
    const std::string name = stream.empty() ? "" : R"(,"stream":)" + json_text(stream);
    return R"({"time":")" + time_text(message.time) + R"(","level":")" + level_text(message.level) + "\"" + name +
           R"(,"message":)" + json_text(payload) + "}\n";
  }

  bool json_;
};

}  // namespace

std::string escape_control_characters(std::string_view message) {
  std::string text;
  text.reserve(message.size());
  for (const char c : message) {
    if (c == '\n') {
      text += "\\n";
    } else if (is_control(static_cast<unsigned char>(c))) {
      text += hex_byte("\\x%02x", static_cast<unsigned char>(c));
    } else {
      text += c;
    }
  }
  return text;
}

std::shared_ptr<spdlog::logger> make_logger(const LogConfig& config) {
  auto sink = std::make_shared<spdlog::sinks::stderr_sink_mt>();
  sink->set_formatter(std::make_unique<LineFormatter>(config.json));
  auto logger = std::make_shared<spdlog::logger>("", std::move(sink));
  logger->set_level(config.level == "error" ? spdlog::level::err : spdlog::level::from_str(config.level));
  logger->flush_on(spdlog::level::info);
  return logger;
}

}  // namespace binrelay
