#pragma once
// LogCursor walks the visible events of a log from a position on, over segment ends. Large events come in pieces, so
// memory stays at the buffer's size. It never blocks by itself: when the buffer runs dry it says NeedsRead, and the
// owner chooses the thread that reads. Thread: one at a time. Owner: a dump, or an archive query. Borrows: the EventLog
// outlives it.
//
// Waiting: `visible` moves before on_visible's listener is called. So arm the wait first, call next() once more, and
// sleep only if that says AtVisibleEnd again: a move before the second next() is seen by it, a later one calls the
// listener. An event that starts past `visible` does not exist for it. It pins its segment: no purge takes that, or
// what follows, away from it.
#include <cstdint>
#include <memory>
#include <optional>
#include <variant>

#include "protocol/bytes.h"
#include "protocol/event/event_header.h"
#include "protocol/ids.h"
#include "protocol/result.h"
#include "storage/event_log.h"
#include "storage/retention/read_pins.h"
#include "storage/segment/event_reader.h"

namespace binrelay {

struct CursorEvent {
  EventHeader header;
  LogPosition position;  // of its first byte
  Bytes bytes;           // the whole event, or its first bytes; valid until the next call of a non-const member
  bool whole = true;     // false: the rest comes from next_piece(), or is passed over by next()
};
struct AtVisibleEnd {};  // nothing more now; wait for EventLog::on_visible (below)
struct SegmentEnd {
  std::shared_ptr<const Segment> following;
};  // returned once, when the next segment is entered
using CursorStep = std::variant<CursorEvent, NeedsRead, AtVisibleEnd, SegmentEnd, Error>;

class LogCursor {
 public:
  static constexpr std::size_t kBufferSize = 256u << 10;

  // Errc::not_found when the segment is not in the catalog. An offset inside an event shows as an Error of the first
  // next().
  static Result<LogCursor> open(const EventLog& log, LogPosition position, std::size_t buffer_size = kBufferSize);
  LogCursor(LogCursor&&) noexcept;
  LogCursor& operator=(LogCursor&&) noexcept;
  ~LogCursor();

  CursorStep next();
  // Behind a first next(): events of this segment that are at hand, one behind the other; see EventReader::next_run().
  // Their bytes stay valid until the next read() or release_buffer(), or next() while nothing is at hand: that may
  // enter the next segment.
  EventRun next_run(const EventTypeSet& types, std::size_t most);
  // Behind a first next(); see EventReader.
  Bytes at_hand() const;
  void pass_over(std::size_t bytes);
  // For what another cursor has read already: goes to `offset` of this segment, where an event begins or ends. False:
  // that is not visible, and nothing has changed.
  bool pass_to(std::uint64_t offset);
  // Tells bytes that were stored anew (EventLog::reopen()) from others of the same place: what is buffered was read
  // from the one (nullptr: from several), what is read next comes from the other.
  std::shared_ptr<const SegmentBlocks> read_from() const;
  std::shared_ptr<const SegmentBlocks> reads_from() const;
  PieceStep next_piece();
  // True: bytes were read (or there is nothing to read). False: cached_only and the bytes are not in the page cache.
  // Errc::checksum: they are not the bytes that were stored; a later try may find them restored. Errc::not_found: no
  // source has them any more.
  Result<bool> read(ReadMode mode);

  // Of a large event that has just begun: what is known of the rest of it, without reading.
  std::optional<Error> known_damage(const CursorEvent& event) const;

  // Nothing is read for a while.
  void release_buffer();

  const Segment& segment() const;
  LogPosition position() const;  // of the next event
  // Holds this segment, and what follows, also when the cursor has moved on.
  ReadPins::Pin pin() const;

 private:
  struct State;
  explicit LogCursor(std::unique_ptr<State> state);
  std::unique_ptr<State> state_;
};

}  // namespace binrelay
