#pragma once
// ask_source_version: what a server calls itself before anybody logs in.
#include <string>

#include "protocol/ids.h"
#include "protocol/result.h"
#include "relay/config/relay_config.h"

namespace binrelay {

struct SourceVersion {
  Flavour flavour = Flavour::mysql;
  unsigned major = 0, minor = 0, patch = 0;
};

// Connects, reads the greeting (MySQL manual, "Protocol::HandshakeV10") and leaves. Errc::connection: not reached
// within `timeout_ms`.
Result<SourceVersion> ask_source_version(const Endpoint& source, int timeout_ms);
// "9.7.4", "5.5.5-10.11.6-MariaDB-log": MariaDB may put "5.5.5-" in front.
SourceVersion parse_source_version(std::string_view text);

}  // namespace binrelay
