#include "protocol/event/event_header.h"

#include <string>

#include "protocol/wire/byte_reader.h"

namespace binrelay {

Error event_header_error(Bytes bytes) {
  ByteReader in(bytes);
  in.skip(kEventSizeOffset);
  const std::uint32_t size = in.u32();
  if (bytes.size() < kEventHeaderSize) return {Errc::short_input, "event header"};
  if (size < kEventHeaderSize)
    return {Errc::malformed, "event header: size " + std::to_string(size) + " is below the header's own 19"};
  return {Errc::limit,
          "event header: size " + std::to_string(size) + " is above the limit of " + std::to_string(kMaxEventSize)};
}

}  // namespace binrelay
