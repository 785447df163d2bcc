#include "protocol/event/event_run.h"

namespace binrelay {

EventTypeSet EventTypeSet::of_groups(Heads heads) {
  EventTypeSet types;
  for (std::size_t number = 0; number < types.has_.size(); ++number) {
    const auto type = static_cast<EventType>(number);
    const bool of_group = event_type_name(type) != "Unknown" && !belongs_to_file(type);
    types.has_[number] = of_group && (heads == Heads::in || !is_gtid(type));
  }
  return types;
}

EventTypeSet EventTypeSet::of_dumps() {
  EventTypeSet types = of_groups();
  for (const EventType heartbeat : {EventType::heartbeat, EventType::heartbeat_v2})
    types.has_[static_cast<std::uint8_t>(heartbeat)] = false;
  return types;
}

EventRun find_run(Bytes bytes, std::uint64_t offset, const EventTypeSet& types, std::size_t most) {
  EventRun run;
  std::size_t at = 0;
  while (bytes.size() - at >= kEventHeaderSize) {
    const auto header = whole_event(bytes.subspan(at), offset + at);
    if (!header || header->size > most - at || !types.contains(header->type)) break;
    if (header->timestamp != 0) run.last_timestamp = header->timestamp;
    at += header->size;
    ++run.count;
  }
  run.bytes = bytes.first(at);
  return run;
}

}  // namespace binrelay
