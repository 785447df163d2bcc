#pragma once
// EventPackets: the packets of a replication stream as they lie in memory one behind the other, each with an event.
// Millions of small events a second are received this way.
// Format: MySQL manual, "COM_BINLOG_DUMP": a packet's header, a byte 0, the event.
#include <cstddef>
#include <cstdint>
#include <span>

#include "protocol/bytes.h"
#include "protocol/event/event_header.h"
#include "protocol/event/event_run.h"
#include "protocol/ids.h"

namespace binrelay {

inline constexpr std::size_t kBeforeEvent = 5;  // bytes of a packet

// A whole event as it was received, checked for all that it can be checked for by itself.
struct ArrivedEvent {
  EventHeader header;
  Bytes bytes;
};

// Finds the events in the whole packets at the front of `stream` that are the next bytes of a file, from `offset` on:
// of these types, not made up for the stream, with a checksum that holds. Fills `run` from its front as far as they
// reach, and returns how many there are. What stops it is not told: that needs a closer look.
std::size_t find_arrived(Bytes stream, std::uint64_t offset, const EventTypeSet& types, ChecksumAlgorithm checksum,
                         std::span<ArrivedEvent> run);

}  // namespace binrelay
