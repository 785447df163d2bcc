#include "protocol/event/events.h"

namespace binrelay {

Error event_body_error(Bytes event) {
  const auto header = decode_event_header(event);
  if (!header) return header.error();
  if (header->size != event.size()) {
    return Error{Errc::malformed, "event: header says " + std::to_string(header->size) + " bytes, there are " +
                                      std::to_string(event.size())};
  }
  return Error{Errc::short_input, "event: no room for its checksum"};
}

}  // namespace binrelay
