#pragma once
// EventRun: whole events that lie one behind the other, as a file has them, and need no look at more than their
// headers. Millions of small events a second are served this way.
#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>

#include "protocol/bytes.h"
#include "protocol/event/event_header.h"
#include "protocol/event/event_type.h"

namespace binrelay {

struct EventRun {
  Bytes bytes;
  std::size_t count = 0;             // of events
  std::uint32_t last_timestamp = 0;  // of the last event that has one
};

class EventTypeSet {
 public:
  bool contains(EventType type) const { return has_[static_cast<std::uint8_t>(type)]; }
  // All types that are part of a group, its first event in or out: what a file is made of is left out, and what this
  // build does not know.
  enum class Heads : std::uint8_t { in, out };
  static EventTypeSet of_groups(Heads heads = Heads::in);
  // What a source sends of a file's groups: heartbeats are none of them, though they stand between the same events.
  static EventTypeSet of_dumps();

 private:
  std::array<bool, 256> has_{};
};

// The header of the event at the front of `bytes`, which begin at `offset` in their file. nullopt: it is not whole, or
// does not end where its header says.
inline std::optional<EventHeader> whole_event(Bytes bytes, std::uint64_t offset) {
  const auto header = decode_event_header(bytes);
  if (!header || header->size > bytes.size()) return std::nullopt;
  const auto end = static_cast<std::uint32_t>(offset + header->size);
  if (header->log_pos != 0 && header->log_pos != end) return std::nullopt;
  return *header;
}

// The events at the front of `bytes`, which begin at `offset` in their file, up to the first that is no whole_event()
// or not of these types; and not more than `most` bytes.
EventRun find_run(Bytes bytes, std::uint64_t offset, const EventTypeSet& types, std::size_t most);

}  // namespace binrelay
