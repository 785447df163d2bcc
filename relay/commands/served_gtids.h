#pragma once
// What the relay claims to have executed and purged: the log's sets, and on MySQL the transactions of @@gtid_purged
// that never were in any binlog of the source. A source restored from a backup has them in no PREVIOUS_GTIDS (seen on
// MySQL 9.7), but a replica without them must be refused as the source refuses it, or it would lack them silently.
// Thread: any. Borrows: the log and the identity in RelayView.
#include "protocol/gtid/gtid_state.h"
#include "relay/commands/statement_answers.h"

namespace binrelay {

GtidState served_executed(const RelayView& relay);
GtidState served_purged(const RelayView& relay);

// A consistent picture of the log's visible end: the executed set belongs to the position.
struct VisibleEnd {
  std::shared_ptr<const Segment> segment;  // null: nothing stored yet
  std::uint64_t offset = kFirstEventOffset;
  GtidState executed;
};
VisibleEnd visible_end(const RelayView& relay);

}  // namespace binrelay
