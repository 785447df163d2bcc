#pragma once
// make_logger: lines on standard error, as text or as one JSON object a line. Whatever a message holds (an error text
// of the source, a client's user name), a line stays one line: control characters are escaped.
#include <memory>
#include <string>
#include <string_view>

#include "relay/config/relay_config.h"

namespace spdlog {
class logger;
}

namespace binrelay {

// logger->clone("main") makes the logger of a stream: it shares the sink, and its lines carry the stream's name.
std::shared_ptr<spdlog::logger> make_logger(const LogConfig& config);

// Newlines and other control characters as \n and \x1b.
std::string escape_control_characters(std::string_view message);

}  // namespace binrelay
