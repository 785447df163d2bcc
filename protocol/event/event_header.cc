#include "protocol/event/event_header.h"

#include <string>

#include "protocol/limits.h"
#include "protocol/wire/byte_reader.h"

namespace binrelay {

Result<EventHeader> decode_event_header(Bytes bytes) {
  ByteReader in(bytes);
  EventHeader header;
  header.timestamp = in.u32();
  header.type = static_cast<EventType>(in.u8());
  header.server_id = ServerId{in.u32()};
  header.size = in.u32();
  header.log_pos = in.u32();
  header.flags = in.u16();
  if (in.failed()) return Error{Errc::short_input, "event header"};
  if (header.size < kEventHeaderSize) {
    return Error{Errc::malformed,
                 "event header: size " + std::to_string(header.size) + " is below the header's own 19"};
  }
  if (header.size > kMaxEventSize) {
    return Error{Errc::limit, "event header: size " + std::to_string(header.size) + " is above the limit of " +
                                  std::to_string(kMaxEventSize)};
  }
  return header;
}

}  // namespace binrelay
