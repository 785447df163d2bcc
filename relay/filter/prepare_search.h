#pragma once
// PrepareSearch looks back through the log for the group that prepared an XA transaction: the newest before a place,
// file by file. For a consumer that begins behind it. Thread: one at a time. Owner: a FilteredCursor. Borrows: the log.
#include <optional>
#include <string>
#include <variant>

#include "protocol/filter/payload_events.h"
#include "storage/event_log.h"
#include "storage/log_cursor.h"

namespace binrelay {

class PrepareSearch {
 public:
  struct Found {
    std::optional<LogPosition> group;  // nullopt: the log does not have it (any more)
  };
  using Step = std::variant<Found, NeedsRead, Error>;

  PrepareSearch(const EventLog& log, std::string xa_id, LogPosition before)
      : log_(log), xa_id_(std::move(xa_id)), before_(before), segment_(before.segment) {}

  Step next();
  Result<bool> read(ReadMode mode) { return cursor_->read(mode); }

 private:
  bool to_earlier_segment();
  void look_at(const EventHeader& header, Bytes event, ChecksumAlgorithm checksum);
  std::optional<Step> look_into_payload();

  const EventLog& log_;
  const std::string xa_id_;
  const LogPosition before_;
  SegmentNumber segment_;
  std::optional<LogCursor> cursor_;
  LogPosition group_{};
  std::optional<LogPosition> found_;
  std::optional<PayloadEvents> payload_;  // a compressed transaction that is being looked through
  std::uint64_t payload_left_ = 0;
  Bytes payload_piece_;
};

}  // namespace binrelay
