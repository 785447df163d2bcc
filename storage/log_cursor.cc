#include "storage/log_cursor.h"

#include "protocol/event/event_checksum.h"
#include "storage/recent_bytes.h"
#include "storage/retention/read_pins.h"
#include "storage/segment/segment_blocks.h"

namespace binrelay {

namespace {

Result<EventReader> reader_of(const Segment& segment, std::uint64_t offset, std::size_t buffer_size) {
  BINRELAY_ASSIGN(File file, Disk().open_for_reading(segment.path));
  file.do_not_read_ahead();
  return EventReader(std::make_shared<const File>(std::move(file)), offset, offset, buffer_size);
}

}  // namespace

struct LogCursor::State {
  const EventLog& log;
  ReadPins::Pin pin;  // at `segment`
  std::shared_ptr<const Segment> segment;
  EventReader reader;
  std::size_t buffer_size;
  bool begun = false;  // an event was returned: the place the cursor was opened at is the start of one
  std::shared_ptr<const SegmentBlocks> read_from{};  // of what is buffered

  // Bytes inside an event can look like an event; their checksum cannot.
  bool may_begin_at(const ReadEvent& event) const {
    if (event.header.log_pos == 0 && segment->flavour == Flavour::mysql) return false;
    if (segment->checksum != ChecksumAlgorithm::crc32 || !event.whole)
      return event_type_name(event.header.type) != "Unknown";
    return event.bytes.size() >= kEventHeaderSize + kChecksumSize && event_checksum_holds(event.bytes);
  }

  // What may be read of the segment now, and whether it ends there.
  struct Reach {
    std::uint64_t limit = kFirstEventOffset;
    std::shared_ptr<const Segment> following;  // set: the segment is sealed and over at `limit`
  };
  Result<Reach> reach() const {
    // The ends first: when `visible` is in a later segment, the catalog read after it knows this one as sealed.
    const LogPosition visible = log.ends().visible;
    if (visible.segment < segment->number) return Reach{kFirstEventOffset, nullptr};
    if (visible.segment == segment->number) return Reach{visible.offset, nullptr};
    const std::shared_ptr<const SegmentCatalog> catalog = log.catalog();
    const std::shared_ptr<const Segment> sealed = catalog->find(segment->number);
    if (sealed == nullptr) return Error{Errc::not_found, segment->served_name + " was removed from the log"};
    if (reader.offset() > sealed->size) {
      return Error{Errc::not_found, segment->served_name + " ends at " + std::to_string(sealed->size) + ", before " +
                                        std::to_string(reader.offset())};
    }
    return Reach{sealed->last_boundary, catalog->after(segment->number)};
  }

  // A log that was reopened knows the file's blocks anew, and it is there that they are restored.
  std::shared_ptr<SegmentBlocks> blocks() const {
    const std::shared_ptr<const Segment> now = log.catalog()->find(segment->number);
    return (now != nullptr ? now : segment)->blocks;
  }

  // What came lately is in memory, as it was written.
  bool read_recent() {
    const std::uint64_t from = reader.next_read_begin(), to = reader.next_read_end();
    if (to <= from || to - from > RecentBytes::kMost) return false;
    const std::span<std::byte> room = reader.begin_read();
    if (!log.recent().copy(segment->number, from, room)) return false;
    reader.end_read(room.size());
    return true;
  }

  // What is read next must be what was stored.
  Result<bool> read(ReadMode mode) {
    if (mode == ReadMode::may_block) {
      BINRELAY_ASSIGN(const bool cached, read(ReadMode::cached_only));
      if (cached) return true;
    }
    const std::uint64_t from = reader.next_read_begin(), to = reader.next_read_end();
    const std::shared_ptr<SegmentBlocks> known = blocks();
    const bool from_elsewhere = read_from != known && reader.holds_bytes();
    if (!read_recent()) {
      BINRELAY_ASSIGN(const bool sound, known->check(reader.file(), from, to, mode));
      if (!sound) return false;
      BINRELAY_ASSIGN(const bool done, reader.read(mode));
      if (!done) {
        known->doubt(from, to);
        return false;
      }
    }
    read_from = from_elsewhere ? nullptr : known;
    return true;
  }

  // The reader stands at its limit: nothing more, or more by now, or the next segment.
  std::optional<CursorStep> at_limit() {
    auto now = reach();
    if (!now.ok()) return std::move(now).error();
    if (now->limit > reader.offset()) {
      reader.raise_limit(now->limit);
      return std::nullopt;
    }
    if (now->following == nullptr) return AtVisibleEnd{};
    auto next_reader = reader_of(*now->following, kFirstEventOffset, buffer_size);
    if (!next_reader.ok()) return std::move(next_reader).error();
    reader = std::move(*next_reader);
    segment = now->following;
    pin.move_to(segment->number);
    return SegmentEnd{segment};
  }
};

Result<LogCursor> LogCursor::open(const EventLog& log, LogPosition position, std::size_t buffer_size) {
  std::optional<ReadPins::Pin> pin = log.pins().pin(position.segment);  // first: what is found then stays
  std::shared_ptr<const Segment> segment = log.catalog()->find(position.segment);
  if (!pin || segment == nullptr)
    return Error{Errc::not_found, "segment " + std::to_string(raw(position.segment)) + " is not in the log"};
  if (position.offset < kFirstEventOffset) return Error{Errc::refused, "a binlog's events begin at offset 4"};
  BINRELAY_ASSIGN(EventReader reader, reader_of(*segment, position.offset, buffer_size));
  return LogCursor(
      std::unique_ptr<State>(new State{log, *std::move(pin), std::move(segment), std::move(reader), buffer_size}));
}

LogCursor::LogCursor(std::unique_ptr<State> state) : state_(std::move(state)) {}
LogCursor::LogCursor(LogCursor&&) noexcept = default;
LogCursor& LogCursor::operator=(LogCursor&&) noexcept = default;
LogCursor::~LogCursor() = default;

CursorStep LogCursor::next() {
  for (;;) {
    ReadStep step = state_->reader.next();
    if (const auto* event = std::get_if<ReadEvent>(&step)) {
      if (!state_->begun && !state_->may_begin_at(*event)) {
        return Error{Errc::malformed,
                     "no event of " + state_->segment->served_name + " begins at " + std::to_string(event->offset)};
      }
      state_->begun = true;
      return CursorEvent{event->header, {state_->segment->number, event->offset}, event->bytes, event->whole};
    }
    if (std::holds_alternative<NeedsRead>(step)) return NeedsRead{};
    if (auto* error = std::get_if<Error>(&step)) return state_->reader.placed(std::move(*error));
    if (auto reached = state_->at_limit()) return std::move(*reached);
  }
}

EventRun LogCursor::next_run(const EventTypeSet& types, std::size_t most) {
  return state_->begun ? state_->reader.next_run(types, most) : EventRun{};
}

Bytes LogCursor::at_hand() const { return state_->begun ? state_->reader.at_hand() : Bytes{}; }
void LogCursor::pass_over(std::size_t bytes) { state_->reader.pass_over(bytes); }
bool LogCursor::pass_to(std::uint64_t offset) {
  EventReader& reader = state_->reader;
  if (offset > reader.limit()) {
    const auto now = state_->reach();
    if (!now.ok() || now->limit < offset) return false;
    reader.raise_limit(now->limit);
  }
  reader.pass_to(offset);
  return true;
}

std::shared_ptr<const SegmentBlocks> LogCursor::read_from() const { return state_->read_from; }
std::shared_ptr<const SegmentBlocks> LogCursor::reads_from() const { return state_->blocks(); }
void LogCursor::release_buffer() { state_->reader.release_buffer(); }

PieceStep LogCursor::next_piece() { return state_->reader.next_piece(); }
Result<bool> LogCursor::read(ReadMode mode) {
  auto outcome = state_->read(mode);
  if (!outcome.ok()) return state_->reader.placed(std::move(outcome).error());
  return outcome;
}
std::optional<Error> LogCursor::known_damage(const CursorEvent& event) const {
  const std::uint64_t begin = event.position.offset;
  return state_->blocks()->known_damage(begin, begin + event.header.size);
}
const Segment& LogCursor::segment() const { return *state_->segment; }
ReadPins::Pin LogCursor::pin() const {
  auto pin = state_->log.pins().pin(state_->segment->number);
  BINRELAY_CHECK(pin.has_value(), "a pinned segment can be pinned again");
  return *std::move(pin);
}
LogPosition LogCursor::position() const { return {state_->segment->number, state_->reader.offset()}; }

}  // namespace binrelay
