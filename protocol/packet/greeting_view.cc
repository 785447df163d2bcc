#include "protocol/packet/greeting_view.h"

#include "protocol/wire/byte_reader.h"

namespace binrelay {

Result<GreetingView> decode_greeting(Bytes payload) {
  constexpr std::uint8_t kProtocolVersion = 10, kErrorPacket = 0xff;
  constexpr std::size_t kThreadId = 4, kFirstScramble = 8, kFiller = 1;
  ByteReader in(payload);
  const std::uint8_t first = in.u8();
  if (first == kErrorPacket && payload.size() > 3) {
    in.skip(2);
    return Error{Errc::refused, std::string(as_text(in.rest()))};
  }
  GreetingView greeting;
  greeting.version = in.nul_terminated_text();
  in.skip(kThreadId + kFirstScramble + kFiller);
  greeting.capabilities = in.u16();
  if (in.failed() || first != kProtocolVersion) return Error{Errc::malformed, "no greeting of MySQL or MariaDB"};
  return greeting;
}

}  // namespace binrelay
