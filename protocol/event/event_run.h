#pragma once
// EventRun: whole events that lie one behind the other, as a file has them, and need no look at more than their
// headers. Millions of small events a second are served this way.
#include <array>
#include <cstddef>
#include <cstdint>

#include "protocol/bytes.h"
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
  void add(EventType type) { has_[static_cast<std::uint8_t>(type)] = true; }
  void remove(EventType type) { has_[static_cast<std::uint8_t>(type)] = false; }
  // All types that are part of a group: what a file is made of is left out, and what this build does not know.
  static EventTypeSet of_groups();

 private:
  std::array<bool, 256> has_{};
};

// The events at the front of `bytes`, which begin at `offset` in their file, up to the first that is not whole, not of
// these types, or does not end where its header says; and not more than `most` bytes.
EventRun find_run(Bytes bytes, std::uint64_t offset, const EventTypeSet& types, std::size_t most);

}  // namespace binrelay
