#include "protocol/event/events.h"

namespace binrelay {

Result<Bytes> event_body(Bytes event, ChecksumAlgorithm checksum) {
  BINRELAY_ASSIGN(const EventHeader header, decode_event_header(event));
  if (header.size != event.size()) {
    return Error{Errc::malformed, "event: header says " + std::to_string(header.size) + " bytes, there are " +
                                      std::to_string(event.size())};
  }
  const std::size_t trailer = checksum == ChecksumAlgorithm::crc32 ? kChecksumSize : 0;
  if (event.size() < kEventHeaderSize + trailer) return Error{Errc::short_input, "event: no room for its checksum"};
  return event.subspan(kEventHeaderSize, event.size() - kEventHeaderSize - trailer);
}

}  // namespace binrelay
