#pragma once
// What a server says before anybody logs in (MySQL manual, "Protocol::HandshakeV10"): as much of it as is asked for.
#include <cstdint>
#include <string_view>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace binrelay {

struct GreetingView {
  std::string_view version;        // points into the payload
  std::uint16_t capabilities = 0;  // the lower half: capability::kSsl is in it
};

// `payload`: the first packet without its header; what follows the capabilities may be missing. Errc::refused: it is an
// error packet (context: what the server says). Errc::malformed: not a server of MySQL's kind.
Result<GreetingView> decode_greeting(Bytes payload);

}  // namespace binrelay
