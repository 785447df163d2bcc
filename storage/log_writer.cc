#include "storage/log_writer.h"

#include <algorithm>

#include "protocol/check.h"
#include "storage/continuity.h"
#include "storage/gtid_state_bytes.h"
#include "storage/segment/segment_blocks.h"
#include "storage/segment/segment_files.h"

namespace binrelay {
namespace {

// One thread counts and others read: no locked instruction for each event.
void count(std::atomic<std::uint64_t>& counter, std::uint64_t more) {
  counter.store(counter.load(std::memory_order_relaxed) + more, std::memory_order_relaxed);
}

// A crash costs a scan of at most this many bytes.
constexpr std::uint64_t kMarkEveryBytes = 64u << 20;

bool ends_group(BoundaryPlace place) {
  return place == BoundaryPlace::group_end || place == BoundaryPlace::group_whole;
}

DigestRun digests_from(std::uint64_t first_block, std::uint64_t end_block, const BlockDigests& digests,
                       const std::vector<std::uint32_t>& blocks) {
  DigestRun run{first_block, {}};
  for (std::uint64_t block = first_block; block < end_block; ++block)
    run.digests.push_back(blocks[block - digests.first_block()]);
  return run;
}

// Readers check what they read of these blocks from now on.
void grow_blocks(const Segment& segment, const SegmentState& state) {
  segment.blocks->grow(end_of_blocks(state), state.digests);
}

}  // namespace

LogWriter::LogWriter(const StorageOptions& options, const Disk& disk, const StreamFiles& files, Journal& journal,
                     EndsBoard& board, IndexFeed& feed, RecentBytes& recent, AppendCounters& appended,
                     std::optional<RecoveredActive> active)
    : options_(options),
      disk_(disk),
      files_(files),
      journal_(journal),
      board_(board),
      feed_(feed),
      recent_(recent),
      appended_(appended) {
  for (const SegmentState& segment : journal_.state().segments()) {
    if (segment.sealed && segment.size > kFirstEventOffset) added_before_ = segment.added;
  }
  if (!active) return;
  SegmentWriter writer(active->file, active->end, std::move(active->digests), options.write_buffer_bytes);
  active_.emplace(Active{active_state().number,
                         std::move(writer),
                         std::move(active->head),
                         std::move(active->boundary),
                         active->last_boundary,
                         active->group_begin,
                         std::move(active->added),
                         {},
                         active->end,
                         std::nullopt});
  board_.set_active_file(active->file);
}

// --- events ---

Status LogWriter::append(Bytes event) {
  if (board_.failed()) return *board_.failure();
  if (!active_) return Error{Errc::refused, "no segment is open"};
  BINRELAY_ASSIGN(const EventHeader header, decode_event_header(event));
  BINRELAY_TRY(check_can_follow(header, event));

  std::optional<SegmentHead> head;
  if (!active_->head.complete()) {
    BINRELAY_ASSIGN(head, head_with(header, event));
  }
  if (head && !active_->head.described()) {
    active_->boundary.start_file(head->flavour(), head->checksum());
    active_->added = empty_state(head->flavour());
    feed_.begin_segment(active_->number, head->flavour());
  }
  const std::uint64_t offset = active_->writer.end();
  BINRELAY_ASSIGN(const BoundaryPlace place, active_->boundary.on_event(header, event, offset));
  BINRELAY_TRY(store(event));
  if (head) take_head(std::move(*head));
  account({header, offset, event, true, place, active_->head.checksum()});
  // Only an event that went around the buffer gets past this.
  if (active_->writer.end() - active_->handed_over > options_.write_buffer_bytes) return hand_over();
  return Done{};
}

Result<std::size_t> LogWriter::append_run(std::span<const ArrivedEvent> events) {
  if (board_.failed()) return *board_.failure();
  if (!active_ || !active_->head.complete()) return std::size_t{0};
  const ChecksumAlgorithm checksum = active_->head.checksum();
  std::size_t appended = 0;
  for (const ArrivedEvent& event : events) {
    BINRELAY_CHECK(!belongs_to_file(event.header.type), "what a file is made of is appended by itself");
    const std::uint64_t offset = active_->writer.end();
    auto place = active_->boundary.on_header(event.header, offset);
    if (!place) {
      const auto looked_at = active_->boundary.on_event(event.header, event.bytes, offset);
      if (!looked_at) break;
      place = *looked_at;
    }
    BINRELAY_TRY(store(event.bytes));
    account({event.header, offset, event.bytes, true, *place, checksum});
    if (active_->writer.end() - active_->handed_over > options_.write_buffer_bytes) BINRELAY_TRY(hand_over());
    ++appended;
  }
  return appended;
}

Status LogWriter::check_can_follow(const EventHeader& header, Bytes event) const {
  if (header.size != event.size()) {
    return Error{Errc::malformed,
                 "an event of " + std::to_string(event.size()) + " bytes says it has " + std::to_string(header.size)};
  }
  if (header.type == EventType::format_description && active_->writer.end() != kFirstEventOffset) {
    return Error{Errc::malformed,
                 "a format description event inside a file, at offset " + std::to_string(active_->writer.end())};
  }
  return Done{};
}

Result<SegmentHead> LogWriter::head_with(const EventHeader& header, Bytes event) {
  SegmentHead head = active_->head;
  BINRELAY_TRY(head.on_event(header, event, active_->writer.end()));
  BINRELAY_TRY(check_head(head));
  return head;
}

// What the file says of itself must fit the file before. The first segment may begin anywhere.
Status LogWriter::check_head(const SegmentHead& head) {
  const std::shared_ptr<const Segment> before = board_.catalog()->newest();
  if (before == nullptr) return Done{};
  const std::string pair = active_state().source_name + " does not continue " + before->source_name + ": ";
  if (head.flavour() != before->flavour) return Error{Errc::conflict, pair + "it is of the other server family"};
  if (!head.complete() || !head.previous()) return Done{};
  const Series& series = *journal_.state().series_of(active_state());
  if (series.history != before->series->history) return Done{};
  const auto broken = series.generation == before->generation
                          ? continuity_break(carried_over(head.flavour()), *head.previous())
                          : series_break(series.skip, *head.previous());
  if (!broken) return Done{};
  count(appended_.gaps, 1);
  return Error{Errc::conflict, pair + *broken};
}

GtidState LogWriter::carried_over(Flavour flavour) const {
  return state_behind(board_.catalog()->newest().get(), added_before_, flavour);
}

// Once it is complete, readers see the segment; its bytes they see when `visible` gets there.
void LogWriter::take_head(SegmentHead head) {
  active_->head = std::move(head);
  if (!active_->head.complete()) return;
  auto segment = std::make_shared<Segment>(
      make_segment(files_, journal_.state(), active_state(), active_->head, carried_over(active_->head.flavour())));
  const auto before = board_.catalog()->newest();
  if (before == nullptr || before->series->history != segment->series->history) board_.set_executed(segment->previous);
  board_.add_to_catalog(std::move(segment));
}

Status LogWriter::store(Bytes event) {
  SegmentWriter& writer = active_->writer;
  if (!writer.has_room_for(event)) BINRELAY_TRY(hand_over());
  if (writer.fits_buffer(event)) {
    writer.buffer(event);
    return Done{};
  }
  if (auto written = writer.write_directly(event); !written.ok()) return failed(std::move(written).error());
  return Done{};
}

void LogWriter::account(const ScannedEvent& event) {
  Active& active = *active_;
  count(appended_.events, 1);
  count(appended_.bytes, event.header.size);
  feed_.on_event(event, active.boundary, active.writer.end());
  if (active.boundary.in_group()) return;
  active.last_boundary = active.writer.end();
  if (!ends_group(event.place)) return;
  active.group_begin = active.boundary.group_begin_offset();
  count(appended_.transactions, 1);
  appended_.last_timestamp.store(event.header.timestamp, std::memory_order_relaxed);
  if (!active.boundary.gtid()) return;
  append_gtid(active.fresh, *active.boundary.gtid());
  const Series& series = *journal_.state().series_of(active_state());
  if (is_empty(series.skip) || !series.skips(active.boundary.gtid()))
    append_gtid(fresh_gtids_, *active.boundary.gtid());
}

// --- towards the disk ---

Status LogWriter::flush(EndsBoard::SyncBy sync_by) {
  if (board_.failed()) return *board_.failure();
  if (!active_ || active_->writer.end() == active_->handed_over) return Done{};
  return hand_over(sync_by);
}

Status LogWriter::hand_over(EndsBoard::SyncBy sync_by) {
  Active& active = *active_;
  const std::uint64_t begin = active.writer.written_end();
  const Bytes fresh = active.writer.waiting();
  if (auto written = active.writer.write_buffer(); !written.ok()) return failed(std::move(written).error());
  recent_.add(active.number, begin, fresh);
  active.handed_over = active.writer.end();
  for (const GtidRun& run : active.fresh) add(active.added, run);
  active.fresh.clear();
  board_.on_written({active.number, active.writer.end()}, boundary(), std::move(fresh_gtids_), sync_by);
  fresh_gtids_.clear();
  return journal_marks();
}

// Readers may not enter a segment before its head is whole.
LogPosition LogWriter::boundary() const {
  if (active_->head.complete()) return {active_->number, active_->last_boundary};
  return board_.ends().visible;
}

Status LogWriter::sync() {
  BINRELAY_TRY(flush());
  return board_.wait_until_durable();
}

Result<bool> LogWriter::sync_within(std::chrono::milliseconds time) {
  BINRELAY_TRY(flush());
  return board_.wait_until_durable(time);
}

Status LogWriter::failed(Error error) {
  board_.fail(error);
  return error;
}

// --- marks ---

Result<DurableMark> LogWriter::mark_here() const {
  const SegmentState& state = active_state();
  const BlockDigests& digests = active_->writer.digests();
  const std::uint64_t end_block = active_->last_boundary / digests.block_bytes();
  BINRELAY_ASSIGN(
      const std::uint32_t rest,
      digest_of_stretch(*active_->writer.file(), end_block * digests.block_bytes(), active_->last_boundary));
  return DurableMark{active_->number,
                     active_->last_boundary,
                     active_->group_begin,
                     active_->added,
                     digests_from(state.digests.size(), end_block, digests, digests.whole_blocks()),
                     rest};
}

Status LogWriter::journal_marks() {
  Active& active = *active_;
  if (active.next_mark) {
    if (board_.ends().durable < LogPosition{active.number, active.next_mark->boundary}) return Done{};
    // Not synced: losing a mark costs a longer scan, nothing else.
    auto journalled = journal_.append({*active.next_mark}, Journal::Sync::later);
    if (!journalled.ok()) return failed(std::move(journalled).error());
    active.next_mark.reset();
    grow_blocks(*board_.catalog()->newest(), active_state());
  } else if (active.head.complete() && active.last_boundary >= active_state().last_boundary + kMarkEveryBytes) {
    auto mark = mark_here();
    if (!mark.ok()) return failed(std::move(mark).error());
    active.next_mark = std::move(*mark);
  }
  return Done{};
}

// --- the next segment ---

Status LogWriter::open_segment(std::string_view source_name, const std::optional<SeriesBegin>& series) {
  if (board_.failed()) return *board_.failure();
  if (!is_safe_file_name(source_name))
    return Error{Errc::refused, "a binlog file cannot be stored under the name the source gives it"};
  const LogState& log = journal_.state();
  std::uint32_t generation = log.generations().empty() ? 1 : log.generations().back().number;
  std::optional<GenerationBegun> begun;
  if (series) {
    BINRELAY_ASSIGN(begun, next_generation(source_name, *series));
    generation = begun->number;
  }
  if (log.names_segment(generation, std::string(source_name))) {
    return Error{Errc::conflict, std::string(source_name) + " is stored already"};
  }
  BINRELAY_TRY(sync());

  // The file comes first: a crash in between leaves an empty file that no record names, which recovery removes.
  BINRELAY_ASSIGN(const std::shared_ptr<File> file, create_segment_file(generation, source_name));
  std::vector<JournalRecord> records;
  if (log.histories().empty()) records.push_back(HistoryBegun{1, "the log begins"});
  if (log.generations().empty())
    records.push_back(GenerationBegun{1, 1, std::string(base_name_of(source_name)), 0, MysqlGtidSet{}});
  SegmentOpened opened{next(log.segments().empty() ? SegmentNumber{} : log.segments().back().number), generation,
                       std::string(source_name), options_.digest_block_bytes, std::nullopt};
  if (active_) opened.sealed_before = seal_active();
  const SegmentNumber number = opened.number;
  if (begun) {
    SeriesOpened series_opened{std::nullopt, GtidState{}, std::move(*begun), {series->source}, std::move(opened)};
    if (series->history) {
      series_opened.history = HistoryBegun{series_opened.generation.history, series->history->reason};
      series_opened.abandoned = series->history->abandoned;
    }
    records.push_back(std::move(series_opened));
  } else {
    records.push_back(std::move(opened));
  }
  if (auto journalled = journal_.append(records, Journal::Sync::durable); !journalled.ok()) {
    return failed(std::move(journalled).error());
  }

  if (active_) publish_sealed();
  if (active_) feed_.end_segment(active_->last_boundary, in_group());
  BlockDigests digests(options_.digest_block_bytes);
  digests.add(kBinlogMagic);
  SegmentWriter writer(file, kFirstEventOffset, std::move(digests), options_.write_buffer_bytes);
  active_.emplace(
      Active{number, std::move(writer), {}, {}, kFirstEventOffset, 0, {}, {}, kFirstEventOffset, std::nullopt});
  board_.on_opened(number, file);
  return Done{};
}

Result<GenerationBegun> LogWriter::next_generation(std::string_view source_name, const SeriesBegin& series) const {
  const LogState& log = journal_.state();
  if (!active_) return Error{Errc::refused, "a log's first series begins by itself"};
  const auto number = number_in(source_name);
  if (!number) {
    return Error{Errc::refused, "the source's " + std::string(source_name) +
                                    " has no number at its end, so it cannot be given a name that follows the log's"};
  }
  const GenerationBegun& last = log.generations().back();
  return GenerationBegun{last.number + 1, last.history + (series.history ? 1 : 0), last.base_name,
                         static_cast<std::int64_t>(next_served_number() - *number), series.skip};
}

// One past the newest file that consumers see. A file nothing was ever received of has not used its name up: the file
// before may name it as the one to go on with.
std::uint64_t LogWriter::next_served_number() const {
  const auto& segments = journal_.state().segments();
  const auto seen = [&](const SegmentState& segment) {
    return segment.sealed ? segment.size > kFirstEventOffset : active_->head.described();
  };
  const auto newest = std::find_if(segments.rbegin(), segments.rend(), seen);
  if (newest == segments.rend()) return 1;
  return number_in(journal_.state().served_name(*newest)).value_or(0) + 1;
}

SegmentSeal LogWriter::seal_active() const {
  const SegmentState& state = active_state();
  const BlockDigests& digests = active_->writer.digests();
  const std::vector<std::uint32_t> blocks = digests.all_blocks();
  return SegmentSeal{active_->writer.end(), active_->last_boundary, active_->added,
                     digests_from(state.digests.size(), digests.first_block() + blocks.size(), digests, blocks)};
}

// The journal has sealed it: readers get the end with the next picture of the catalog.
void LogWriter::publish_sealed() {
  const auto& states = journal_.state().segments();
  const SegmentState& state = states[states.size() - 2];
  if (!active_->head.described()) return;  // the source never sent an event of it
  if (!active_->head.complete()) {
    active_->head.finish();
    board_.add_to_catalog(std::make_shared<Segment>(
        make_segment(files_, journal_.state(), state, active_->head, carried_over(active_->head.flavour()))));
  } else {
    auto sealed = std::make_shared<Segment>(*board_.catalog()->newest());
    sealed->sealed = true;
    sealed->size = state.size;
    sealed->last_boundary = state.last_boundary;
    grow_blocks(*sealed, state);
    board_.replace_newest(std::move(sealed));
  }
  added_before_ = state.added;
}

Result<std::shared_ptr<File>> LogWriter::create_segment_file(std::uint32_t generation, std::string_view source_name) {
  const std::filesystem::path directory = files_.generation(generation);
  BINRELAY_TRY(disk_.make_directory(files_.segments()));
  BINRELAY_TRY(disk_.make_directory(directory));
  BINRELAY_ASSIGN(File file, disk_.create(directory / source_name));
  const auto filled = [&]() -> Status {
    BINRELAY_TRY(file.write_at(0, kBinlogMagic));
    BINRELAY_TRY(file.sync());
    return disk_.sync_directory(directory);
  };
  if (auto done = filled(); !done.ok()) return failed(std::move(done).error()).error();
  return std::make_shared<File>(std::move(file));
}

Status LogWriter::close() {
  BINRELAY_TRY(sync());
  std::vector<JournalRecord> records;
  if (active_ && active_->head.complete() && active_->last_boundary > active_state().last_boundary) {
    BINRELAY_ASSIGN(DurableMark mark, mark_here());
    records.push_back(std::move(mark));
  }
  const SegmentNumber number = active_ ? active_->number : SegmentNumber{};
  records.push_back(CleanStop{number, end()});
  return journal_.append(records, Journal::Sync::durable);
}

// --- questions ---

std::optional<ResumePoint> LogWriter::resume_point() const {
  if (!active_) return std::nullopt;
  ResumePoint point;
  point.segment = board_.catalog()->find(active_->number);
  if (point.segment == nullptr) {
    point.segment = std::make_shared<Segment>(
        make_segment(files_, journal_.state(), active_state(), active_->head, carried_over(active_->head.flavour())));
  }
  const std::uint64_t begin = in_group() ? active_->boundary.group_begin_offset() : active_->group_begin;
  point.group_begin = std::max(begin, kFirstEventOffset);
  point.end = active_->writer.end();
  return point;
}

Result<bool> LogWriter::stored_bytes_equal(std::uint64_t offset, Bytes expected) const {
  if (!active_) return Error{Errc::refused, "no segment is open"};
  return active_->writer.equal_at(offset, expected);
}

}  // namespace binrelay
