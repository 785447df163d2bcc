#include "protocol/event/event_run.h"

#include "protocol/event/event_header.h"

namespace binrelay {

EventTypeSet EventTypeSet::of_groups() {
  EventTypeSet types;
  for (int number = 0; number < 256; ++number) {
    const auto type = static_cast<EventType>(number);
    if (event_type_name(type) != "Unknown" && !belongs_to_file(type)) types.add(type);
  }
  return types;
}

EventRun find_run(Bytes bytes, std::uint64_t offset, const EventTypeSet& types, std::size_t most) {
  EventRun run;
  std::size_t at = 0;
  while (bytes.size() - at >= kEventHeaderSize) {
    const auto header = decode_event_header(bytes.subspan(at));
    if (!header || header->size > bytes.size() - at || header->size > most - at || !types.contains(header->type)) break;
    const auto end = static_cast<std::uint32_t>(offset + at + header->size);
    if (header->log_pos != 0 && header->log_pos != end) break;
    if (header->timestamp != 0) run.last_timestamp = header->timestamp;
    at += header->size;
    ++run.count;
  }
  run.bytes = bytes.first(at);
  return run;
}

}  // namespace binrelay
