#pragma once
// TransactionBoundary tells where groups begin and end in a binlog, event by event, without looking at anything but the
// events. With transaction_length (MySQL >= 8.0.2) the length decides; otherwise XID, COMMIT/ROLLBACK, XA PREPARE,
// standalone DDL and MariaDB's FL_STANDALONE do. Works on both families, with GTIDs on and off, payload events
// included.
// Thread: none of its own. Cost: O(1) per event, never holds event bytes.
#include <cstdint>
#include <optional>

#include "protocol/bytes.h"
#include "protocol/event/event_header.h"
#include "protocol/gtid/gtid_state.h"
#include "protocol/result.h"

namespace binrelay {

enum class BoundaryPlace : std::uint8_t {
  outside,      // no part of a group: FDE, PREVIOUS_GTIDS, GTID_LIST, ROTATE, STOP, BINLOG_CHECKPOINT, …
  group_begin,  // first event of a group that goes on
  group_middle,
  group_end,    // last event of a group
  group_whole,  // a group of one event
};

class TransactionBoundary {
 public:
  // A new file begins (its FDE comes next): an open group is forgotten.
  void start_file(Flavour flavour, ChecksumAlgorithm checksum);
  // `offset` = where the event starts in its file. `event` may be only the event's first bytes if it is a rows or
  // payload event; otherwise it must be whole. An event that cannot follow (a GTID event inside a group) is
  // Errc::malformed.
  Result<BoundaryPlace> on_event(const EventHeader& header, Bytes event, std::uint64_t offset);
  // The same, for most events of MySQL: those inside of a group whose length is known, which nothing but their header
  // is needed of. nullopt: on_event() has to look, and nothing has changed.
  std::optional<BoundaryPlace> on_header(const EventHeader& header, std::uint64_t offset) {
    const std::uint64_t end = offset + header.size;
    if (!in_group_ || ends_at_ != EndsAt::expected_end || end > expected_end_) return std::nullopt;
    if (is_gtid(header.type) || belongs_to_file(header.type)) return std::nullopt;
    in_group_ = end != expected_end_;
    return in_group_ ? BoundaryPlace::group_middle : BoundaryPlace::group_end;
  }

  bool in_group() const { return in_group_; }
  // Of the group that is open or has just ended:
  const std::optional<AnyGtid>& gtid() const { return gtid_; }  // nullopt: anonymous
  std::uint64_t group_begin_offset() const { return begin_offset_; }

 private:
  // What ends the open group.
  enum class EndsAt : std::uint8_t {
    expected_end,  // MySQL with transaction_length: the byte expected_end_
    commit,        // XID, COMMIT, ROLLBACK, XA PREPARE
    next_query,    // a group of one statement: the QUERY that has not begun a transaction
  };

  Result<BoundaryPlace> on_gtid(const EventHeader& header, Bytes event, std::uint64_t offset);
  Result<BoundaryPlace> on_mysql_gtid(const EventHeader& header, Bytes event, std::uint64_t offset);
  Result<BoundaryPlace> on_mariadb_gtid(Bytes event, std::uint64_t offset);
  Result<BoundaryPlace> in_open_group(const EventHeader& header, Bytes event, std::uint64_t offset);
  Result<BoundaryPlace> without_gtid(const EventHeader& header, Bytes event, std::uint64_t offset);
  Result<bool> ends_group(const EventHeader& header, Bytes event, std::uint64_t offset);
  Result<bool> query_ends_group(const EventHeader& header, Bytes event);
  void open(EndsAt ends_at, std::uint64_t offset, std::optional<AnyGtid> gtid);

  Flavour flavour_ = Flavour::mysql;
  ChecksumAlgorithm checksum_ = ChecksumAlgorithm::none;
  bool in_group_ = false;
  EndsAt ends_at_ = EndsAt::commit;
  std::uint64_t expected_end_ = 0;
  std::uint64_t begin_offset_ = 0;
  std::optional<AnyGtid> gtid_;
};

}  // namespace binrelay
