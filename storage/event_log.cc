#include "storage/event_log.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <filesystem>
#include <mutex>
#include <random>
#include <set>
#include <shared_mutex>

#include "storage/ends_board.h"
#include "storage/file/data_dir_lock.h"
#include "storage/file/disk.h"
#include "storage/file/file_names.h"
#include "storage/group_sync.h"
#include "storage/index/index_store.h"
#include "storage/index/index_writer.h"
#include "storage/journal/journal.h"
#include "storage/journal/journal_copy.h"
#include "storage/log_writer.h"
#include "storage/recovery.h"
#include "storage/retention/read_pins.h"
#include "storage/segment/segment_blocks.h"
#include "storage/segment/segment_files.h"

namespace binrelay {
namespace {

LogCreated new_log() {
  std::random_device random;
  LogCreated created;
  for (std::uint8_t& byte : created.relay_uuid.bytes) byte = static_cast<std::uint8_t>(random());
  created.relay_uuid.bytes[6] = (created.relay_uuid.bytes[6] & 0x0f) | 0x40;  // RFC 4122: version 4, random
  created.relay_uuid.bytes[8] = (created.relay_uuid.bytes[8] & 0x3f) | 0x80;
  // Far from the small numbers people give their servers, and valid for clients that read it as signed.
  created.relay_server_id = ServerId{(1u << 30) + static_cast<std::uint32_t>(random()) % (1u << 30)};
  return created;
}

// A directory that is new gets its FORMAT; one that holds something else is not touched.
Status claim_directory(const Disk& disk, const StreamFiles& files) {
  const Status format = check_format(disk, files);
  if (format.ok() || format.error().code != Errc::not_found) return format;
  BINRELAY_ASSIGN(const std::vector<std::string> names, disk.names_in(files.directory));
  for (const std::string& name : names) {
    if (name == files.lock().filename() || name == files.format().filename().string() + ".new" || name == "lost+found")
      continue;
    return Error{Errc::refused, files.directory.string() + " has no FORMAT but is not empty (\"" + name +
                                    "\"): not a directory of binrelay, or a damaged one"};
  }
  return disk.create_whole(files.format(), as_bytes(kFormatText));
}

Result<Journal> open_journal(const Disk& disk, const StreamFiles& files) {
  if (journal_exists(files.journal())) return Journal::open(disk, files.journal());
  if (Disk::exists(files.segments())) {
    return Error{Errc::checksum, files.journal().string() + " is missing, though there are segments"};
  }
  return Journal::create(disk, files.journal(), new_log());
}

// Where readers may go at open: the last boundary of the newest segment they can see.
LogEnds ends_of(const Journal& journal, const Recovered& recovered) {
  LogEnds ends;
  if (!recovered.segments.empty()) {
    const Segment& newest = *recovered.segments.back();
    ends.visible = {newest.number, newest.sealed ? newest.last_boundary : recovered.active->last_boundary};
  }
  if (recovered.active) ends.written = {journal.state().segments().back().number, recovered.active->end};
  ends.durable = ends.written;
  return ends;
}

// The index, wherever it ends; thrown away when it cannot be what this log wrote.
struct OpenedIndex {
  std::unique_ptr<IndexStore> store;  // nullptr: the log goes on without
  LogPosition end;
};

Result<OpenedIndex> open_index_as_is(const StreamFiles& files, const Uuid& log, const SegmentCatalog& catalog,
                                     const LogEnds& ends) {
  OpenedIndex opened;
  BINRELAY_ASSIGN(opened.store, IndexStore::open(files.index(), log));
  // Of segments that were purged when the index was not at hand.
  const std::shared_ptr<const Segment> oldest = catalog.oldest();
  if (oldest != nullptr) BINRELAY_TRY(opened.store->remove_before(oldest->number));
  BINRELAY_ASSIGN(const std::optional<BlockRecord> last, opened.store->last());
  if (!last) {
    if (oldest != nullptr) opened.end = {oldest->number, kFirstEventOffset};
    return opened;
  }
  opened.end = {last->segment, last->end};
  const std::shared_ptr<const Segment> segment = catalog.find(last->segment);
  const std::uint64_t whole = segment == nullptr ? 0 : segment->sealed ? segment->last_boundary : ends.visible.offset;
  if (last->end > whole) return Error{Errc::conflict, "index: it is ahead of the log"};
  return opened;
}

OpenedIndex open_index(const StorageOptions& options, const Disk& disk, const StreamFiles& files, const Uuid& log,
                       const SegmentCatalog& catalog, const LogEnds& ends, RecoveryReport* report) {
  if (options.index_block_bytes == 0) return {};
  const bool existed = Disk::exists(files.index());
  report->index_rebuilt = !existed && catalog.oldest() != nullptr;
  auto opened = open_index_as_is(files, log, catalog, ends);
  if (!opened.ok() && existed) {
    const std::string reason = opened.error().context;
    static_cast<void>(disk.remove_tree(files.index()).ok());  // if that fails, so does the next line
    opened = open_index_as_is(files, log, catalog, ends);
    if (opened.ok()) report->notes.push_back(reason + "; it is built again");
    report->index_rebuilt = opened.ok();
  }
  if (!opened.ok()) {
    report->notes.push_back(opened.error().context + "; going on without an index");
    return {};
  }
  return std::move(*opened);
}

GtidState executed_of(const Journal& journal, const Recovered& recovered) {
  if (recovered.segments.empty()) return MysqlGtidSet{};
  const Segment& newest = *recovered.segments.back();
  const std::optional<GtidState> added = newest.sealed ? journal.state().segments()[raw(newest.number) - 1].added
                                                       : std::optional<GtidState>(recovered.active->added);
  return log_behind(&newest, added, newest.flavour);
}

}  // namespace

// Owns every part of a log, in the order they start.
class EventLog::Core {
 public:
  Core(const StorageOptions& options, DataDirLock lock, Journal journal, Recovered recovered, RecoveryReport* report)
      : options_(options),
        disk_(options.faults),
        files_{options.directory},
        lock_(std::move(lock)),
        journal_(std::move(journal)),
        created_(*journal_.state().created()),
        source_(journal_.state().source()),
        abandoned_(journal_.state().abandoned_by(static_cast<std::uint32_t>(journal_.state().histories().size()))),
        board_(options.serve_after, ends_of(journal_, recovered), executed_of(journal_, recovered),
               std::make_shared<SegmentCatalog>(recovered.segments)),
        feed_(options.index_block_bytes),
        sync_(board_) {
    begin_writing(std::move(recovered.active));
    begin_indexing(report);
    resume_feed();
  }

  ~Core() {
    // A failure here leaves what a crash leaves: recovery's case, and nobody is left to tell.
    if (!board_.failed()) static_cast<void>(writer_->close().ok());
    board_.stop();
  }

  Status reopen(RecoveryReport* report) {
    if (!board_.failed()) return Done{};
    const std::lock_guard lock(purge_mutex_);
    feed_.break_off();  // of bytes that may be cut off
    recent_.forget();   // likewise
    const LogPosition durable = board_.settle();
    BINRELAY_TRY(journal_.cut_to_durable());
    BINRELAY_ASSIGN(Journal journal, Journal::open(disk_, files_.journal()));
    if (raw(durable.segment) != 0) BINRELAY_TRY(cut_segment(journal.state().segments().back(), durable.offset));
    BINRELAY_ASSIGN(Recovered recovered, recover(disk_, files_, journal, report));
    writer_.reset();
    journal_ = std::move(journal);
    board_.reopen(ends_of(journal_, recovered), executed_of(journal_, recovered),
                  std::make_shared<SegmentCatalog>(recovered.segments));
    begin_writing(std::move(recovered.active));
    if (board_.failed()) return *board_.failure();
    if (index_failure()) begin_indexing(report);
    resume_feed();
    return Done{};
  }

  void restart_index(RecoveryReport* report) {
    const std::lock_guard lock(purge_mutex_);
    if (index_failure()) begin_indexing(report);
  }
  Core(const Core&) = delete;
  Core& operator=(const Core&) = delete;

  Status check_block(const Segment& segment, std::uint64_t block) const {
    BINRELAY_ASSIGN(const File file, disk_.open_for_reading(segment.path));
    const std::uint64_t begin = segment.blocks->begin_of(block);
    file.forget_cached(begin, segment.blocks->end_of(block) - begin);
    BINRELAY_ASSIGN([[maybe_unused]] const SegmentBlocks::State found, segment.blocks->check_again(file, block));
    return Done{};
  }

  Status restore_block(const Segment& segment, std::uint64_t block, Bytes content) const {
    BINRELAY_ASSIGN(const File file, disk_.open_for_writing(segment.path));
    return segment.blocks->restore(file, block, content);
  }

  Status record_source(const SourceIdentity& identity) {
    if (board_.failed()) return *board_.failure();
    if (auto journalled = journal_.append({SourceSeen{identity}}, Journal::Sync::durable); !journalled.ok()) {
      board_.fail(journalled.error());
      return journalled;
    }
    const std::lock_guard lock(source_mutex_);
    source_ = identity;
    return Done{};
  }

  Status open_segment(std::string_view source_name, const std::optional<SeriesBegin>& series) {
    BINRELAY_TRY(writer_->open_segment(source_name, series));
    if (!series) return Done{};
    const std::lock_guard lock(source_mutex_);
    source_ = series->source;
    if (series->history) abandoned_ = series->history->abandoned;
    return Done{};
  }

  GtidState abandoned() const {
    const std::lock_guard lock(source_mutex_);
    return abandoned_;
  }

  std::optional<SourceIdentity> source() const {
    const std::lock_guard lock(source_mutex_);
    return source_;
  }

  Result<PurgeOutcome> purge_before(SegmentNumber wanted) {
    const std::lock_guard lock(purge_mutex_);
    PurgeOutcome outcome;
    const auto catalog = board_.catalog();
    wanted = std::min(wanted, newest_that_stays(*catalog));
    const std::shared_ptr<const Segment> first_kept = catalog->at_or_after(wanted);
    if (first_kept == nullptr || first_kept == catalog->oldest()) return outcome;
    const SegmentNumber floor = pins_.raise_floor(first_kept->number);
    if (floor < first_kept->number) outcome.in_use = floor;
    const std::shared_ptr<const Segment> oldest = catalog->at_or_after(floor);
    if (oldest == catalog->oldest()) return outcome;

    const SegmentsPurged record{oldest->number, oldest->previous};
    if (auto journalled = journal_.append({record}, Journal::Sync::durable); !journalled.ok()) {
      pins_.lower_floor(catalog->oldest()->number);
      return std::move(journalled).error();
    }
    outcome.purged = board_.drop_before(oldest->number);
    {
      const std::lock_guard index_lock(index_mutex_);
      if (index_writer_) index_writer_->forget_before(oldest->number);
    }
    remove_files(&outcome);
    return outcome;
  }

  std::uint64_t end_of_blocks(const Segment& segment,
                              const std::function<bool(const GtidState&, std::uint64_t)>& passes) const {
    const std::shared_lock lock(index_store_mutex_);
    if (!index_.store) return kFirstEventOffset;
    std::uint64_t end = kFirstEventOffset, behind = kFirstEventOffset;
    const Status read = index_.store->for_each(segment.number, [&](const BlockRecord& block) {
      if (block.segment != segment.number || block.begin != behind) return false;
      end = behind;
      behind = block.end;
      return passes(block.added, block.transactions);
    });
    return read.ok() ? end : kFirstEventOffset;
  }

  ReadPins& pins() { return pins_; }
  const RecentBytes& recent() const { return recent_; }
  const Journal& journal() const { return journal_; }
  Status record_rules(const RulesRecorded& record) {
    auto journalled = journal_.append({record}, Journal::Sync::later);
    if (!journalled.ok()) board_.fail(journalled.error());
    return journalled;
  }

  const LogCreated& created() const { return created_; }
  LogWriter& writer() { return *writer_; }
  const LogWriter& writer() const { return *writer_; }
  const AppendCounters& appended() const { return appended_; }
  EndsBoard& board() { return board_; }
  const EndsBoard& board() const { return board_; }
  Status flush_and_sync() {
    if (options_.serve_after == ServeAfter::write) return writer_->flush();
    BINRELAY_TRY(writer_->flush(EndsBoard::SyncBy::caller));
    sync_.sync_here();
    if (board_.failed()) return *board_.failure();
    return Done{};
  }
  const GroupSync& group_sync() const { return sync_; }
  std::atomic<std::uint64_t>& bad_blocks() { return bad_blocks_; }
  LogPosition indexed() const {
    const std::lock_guard lock(index_mutex_);
    return index_writer_ ? index_writer_->indexed() : LogPosition{};
  }
  std::optional<Error> index_failure() const {
    const std::lock_guard lock(index_mutex_);
    if (options_.index_block_bytes == 0) return std::nullopt;
    if (!index_writer_) return Error{Errc::io, "there is no index"};
    return index_writer_->failure();
  }

 private:
  void begin_writing(std::optional<RecoveredActive> active) {
    writer_.emplace(options_, disk_, files_, journal_, board_, feed_, recent_, appended_, std::move(active));
    if (!journal_.state().clean_stop()) return;
    auto journalled = journal_.append({LogReopened{}}, Journal::Sync::durable);
    if (!journalled.ok()) board_.fail(std::move(journalled).error());  // a full disk: what is there can be read
  }

  void begin_indexing(RecoveryReport* report) {
    const std::lock_guard lock(index_mutex_);
    index_writer_.reset();
    const std::unique_lock store_lock(index_store_mutex_);
    index_ = {};
    index_ = open_index(options_, disk_, files_, created_.relay_uuid, *board_.catalog(), board_.ends(), report);
    if (index_.store) index_writer_.emplace(board_, *index_.store, feed_, index_.end, options_.index_block_bytes);
  }

  // The index goes on with what is appended to the active segment, if it has got near its end.
  void resume_feed() {
    feed_.break_off();
    const auto segment = board_.catalog()->find(writer_->active_segment());
    const LogPosition from = indexed();
    if (segment != nullptr && segment->number == from.segment) feed_.resume(*segment, from.offset, writer_->end());
  }

  Status cut_segment(const SegmentState& segment, std::uint64_t end) const {
    BINRELAY_ASSIGN(const File file, disk_.open_for_writing(files_.segment(segment.generation, segment.source_name)));
    BINRELAY_TRY(file.truncate(end));
    return file.sync();
  }

  // The newest segment that readers are let into and whose head no crash takes away.
  SegmentNumber newest_that_stays(const SegmentCatalog& catalog) const {
    const LogEnds ends = board_.ends();
    SegmentNumber newest{};
    for (const auto& segment : catalog.segments()) {
      if (LogPosition{segment->number, segment->head_end} <= std::min(ends.visible, ends.durable))
        newest = segment->number;
    }
    return newest;
  }

  void remove_files(PurgeOutcome* outcome) const {
    std::set<std::filesystem::path> directories;
    for (const auto& segment : outcome->purged) {
      outcome->bytes += segment->size;
      directories.insert(segment->path.parent_path());
      if (const Status removed = disk_.remove(segment->path); !removed.ok())
        outcome->not_removed.push_back(removed.error().context);
    }
    for (const std::filesystem::path& directory : directories) {
      if (const Status synced = disk_.sync_directory(directory); !synced.ok())
        outcome->not_removed.push_back(synced.error().context);
    }
  }

  const StorageOptions options_;
  const Disk disk_;
  const StreamFiles files_;
  const DataDirLock lock_;
  Journal journal_;
  std::mutex purge_mutex_;  // a purge and a reopening exclude each other
  ReadPins pins_;
  const LogCreated created_;
  mutable std::mutex source_mutex_;
  std::optional<SourceIdentity> source_;
  GtidState abandoned_;
  EndsBoard board_;
  IndexFeed feed_;
  RecentBytes recent_;
  AppendCounters appended_;
  std::optional<LogWriter> writer_;
  GroupSync sync_;
  mutable std::mutex index_mutex_;               // guards the two below: counters are read by any thread
  mutable std::shared_mutex index_store_mutex_;  // keeps the store while it is read: for who has time
  OpenedIndex index_;
  std::optional<IndexWriter> index_writer_;
  std::atomic<std::uint64_t> bad_blocks_{0};
};

Result<std::unique_ptr<EventLog>> EventLog::open(const StorageOptions& options, RecoveryReport* report) {
  RecoveryReport unread;
  if (report == nullptr) report = &unread;
  const Disk disk(options.faults);
  const StreamFiles files{options.directory};
  BINRELAY_TRY(disk.make_directory(options.directory));
  BINRELAY_ASSIGN(DataDirLock lock, DataDirLock::take(disk, files.lock()));
  BINRELAY_TRY(claim_directory(disk, files));
  BINRELAY_ASSIGN(Journal journal, open_journal(disk, files));
  BINRELAY_ASSIGN(Recovered recovered, recover(disk, files, journal, report));
  return std::unique_ptr<EventLog>(
      new EventLog(std::make_unique<Core>(options, std::move(lock), std::move(journal), std::move(recovered), report)));
}

EventLog::EventLog(std::unique_ptr<Core> core) : core_(std::move(core)) {}
EventLog::~EventLog() = default;

const Uuid& EventLog::relay_uuid() const { return core_->created().relay_uuid; }
ServerId EventLog::relay_server_id() const { return core_->created().relay_server_id; }
std::optional<SourceIdentity> EventLog::source() const { return core_->source(); }
Status EventLog::record_source(const SourceIdentity& identity) { return core_->record_source(identity); }

std::optional<ResumePoint> EventLog::resume_point() const { return core_->writer().resume_point(); }
Result<bool> EventLog::stored_bytes_equal(std::uint64_t offset, Bytes expected) const {
  return core_->writer().stored_bytes_equal(offset, expected);
}
Status EventLog::open_segment(std::string_view source_name, const std::optional<SeriesBegin>& series) {
  return core_->open_segment(source_name, series);
}
Status EventLog::append(Bytes event) { return core_->writer().append(event); }
Result<std::size_t> EventLog::append_run(std::span<const ArrivedEvent> events) {
  return core_->writer().append_run(events);
}
Status EventLog::flush() { return core_->writer().flush(); }
Status EventLog::flush_and_sync() { return core_->flush_and_sync(); }
Status EventLog::sync() { return core_->writer().sync(); }
Result<bool> EventLog::sync_within(std::chrono::milliseconds time) { return core_->writer().sync_within(time); }
std::uint64_t EventLog::appended_end() const { return core_->writer().end(); }
Status EventLog::reopen(RecoveryReport* report) { return core_->reopen(report); }
Status EventLog::check_block(const Segment& segment, std::uint64_t block) const {
  return core_->check_block(segment, block);
}
Status EventLog::restore_block(const Segment& segment, std::uint64_t block, Bytes content) const {
  return core_->restore_block(segment, block, content);
}
std::uint64_t EventLog::end_of_blocks(
    const Segment& segment, const std::function<bool(const GtidState& added, std::uint64_t groups)>& passes) const {
  return core_->end_of_blocks(segment, passes);
}
SegmentNumber EventLog::active_segment() const { return core_->writer().active_segment(); }
std::vector<RulesRecorded> EventLog::recorded_rules() const { return core_->journal().state().rules(); }
Status EventLog::record_rules(const RulesRecorded& record) { return core_->record_rules(record); }
bool EventLog::failed() const { return core_->board().failed(); }
bool EventLog::in_group() const { return core_->writer().in_group(); }

Result<PurgeOutcome> EventLog::purge_before(SegmentNumber oldest) { return core_->purge_before(oldest); }
ReadPins& EventLog::pins() const { return core_->pins(); }
const RecentBytes& EventLog::recent() const { return core_->recent(); }
std::optional<SegmentNumber> EventLog::oldest_in_use() const { return core_->pins().oldest(); }

std::shared_ptr<const SegmentCatalog> EventLog::catalog() const { return core_->board().catalog(); }
LogEnds EventLog::ends() const { return core_->board().ends(); }
GtidState EventLog::executed() const { return core_->board().executed(); }
GtidState EventLog::before_log() const {
  const std::shared_ptr<const Segment> oldest = catalog()->history_begin();
  return oldest == nullptr ? GtidState(MysqlGtidSet{}) : oldest->previous;
}
GtidState EventLog::abandoned() const { return core_->abandoned(); }
std::optional<Error> EventLog::index_failure() const { return core_->index_failure(); }
void EventLog::restart_index(RecoveryReport* report) { core_->restart_index(report); }
void EventLog::on_visible(std::function<void()> listener) { core_->board().on_visible(std::move(listener)); }

EventLog::Counters EventLog::counters() const {
  const AppendCounters& appended = core_->appended();
  Counters counters;
  counters.transactions = appended.transactions.load(std::memory_order_relaxed);
  counters.events = appended.events.load(std::memory_order_relaxed);
  counters.bytes = appended.bytes.load(std::memory_order_relaxed);
  counters.last_event_timestamp = appended.last_timestamp.load(std::memory_order_relaxed);
  counters.syncs = core_->group_sync().syncs();
  counters.last_sync_us = core_->group_sync().last_us();
  const LogPosition indexed = core_->indexed();
  counters.indexed_segment = raw(indexed.segment);
  counters.indexed_offset = indexed.offset;
  counters.max_sync_us = core_->group_sync().max_us();
  counters.last_synced_at = core_->group_sync().last_at();
  counters.gaps = appended.gaps.load(std::memory_order_relaxed);
  counters.bad_blocks = core_->bad_blocks().load(std::memory_order_relaxed);
  return counters;
}

LatencyCounts EventLog::sync_times() const { return core_->group_sync().times(); }
void EventLog::count_bad_block() const { core_->bad_blocks().fetch_add(1, std::memory_order_relaxed); }
std::optional<Error> EventLog::failure() const { return core_->board().failure(); }

}  // namespace binrelay
