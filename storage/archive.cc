#include "storage/archive.h"

#include <algorithm>
#include <limits>

#include "storage/file/data_dir_lock.h"
#include "storage/file/disk.h"
#include "storage/file/file_names.h"
#include "storage/gtid_state_bytes.h"
#include "storage/index/index_store.h"
#include "storage/index/index_writer.h"
#include "storage/journal/journal_copy.h"
#include "storage/journal/journal_format.h"
#include "storage/segment/segment_files.h"
#include "storage/segment/segment_scan.h"
#include "storage/segment/torn_tail.h"

namespace binrelay {
namespace {

// The journal as far as it is whole: a relay may be writing its last record now.
Result<LogState> read_log_state(const StreamFiles& files) {
  BINRELAY_ASSIGN(const JournalBytes found, read_journal(Disk(), files.journal()));
  const Bytes content = found.content;
  BINRELAY_TRY(check_journal_header(content));
  LogState log;
  const JournalScan scan =
      scan_journal(content, [&](std::uint64_t, const JournalRecord& record) { return log.apply(record); });
  if (scan.problem && scan.records_follow) {
    return Error{Errc::checksum, files.journal().string() + " is damaged at offset " + std::to_string(scan.end) + ": " +
                                     scan.problem->context};
  }
  return log;
}

constexpr int kCatalogAttempts = 5;
constexpr std::size_t kHeadsAtFirst = 2;
constexpr std::size_t kEventsBuffer = 128u << 10;  // who looks for one event reads little more than up to it

Error shorter_than_stored(const std::string& file, std::uint64_t size, std::uint64_t stored) {
  return Error{Errc::checksum, file + ", offset " + std::to_string(size) + ": the file ends here, and " +
                                   std::to_string(stored) + " bytes of it were stored"};
}

// The head of a segment that was just opened is on its way to the file, as far as it is not known to be there.
bool is_in_progress(const Result<SegmentHead>& head, const SegmentState& state, std::uint64_t durable) {
  if (state.sealed || (head.ok() && head->complete())) return false;
  if (!head.ok()) return head.error().code == Errc::short_input && durable <= kFirstEventOffset;
  return durable <= head->end();
}

constexpr std::size_t kAllHeads = std::numeric_limits<std::size_t>::max();

// The segments from `first` on whose head is whole, so many at most.
Result<SegmentCatalog> read_catalog(const StreamFiles& files, const LogState& log, SegmentNumber first = {},
                                    std::size_t most = kAllHeads) {
  std::vector<std::shared_ptr<const Segment>> segments;
  std::optional<GtidState> added_before;
  for (const SegmentState& state : log.kept_segments()) {
    if (state.number < first) continue;
    if (segments.size() == most) break;
    if (state.sealed && state.size <= kFirstEventOffset) continue;
    BINRELAY_ASSIGN(File opened, Disk().open_for_reading(files.segment(state.generation, state.source_name)));
    BINRELAY_ASSIGN(const std::uint64_t size, opened.size());
    auto head = read_segment_head(std::make_shared<const File>(std::move(opened)), state.sealed ? state.size : size);
    if (is_in_progress(head, state, durable_end(log, state))) continue;
    if (!head.ok()) return std::move(head).error();
    if (!state.sealed && !head->complete())
      return shorter_than_stored(state.source_name, size, durable_end(log, state));
    const GtidState carried_over = segments.empty()
                                       ? state_before_kept(log, head->flavour())
                                       : state_behind(segments.back().get(), added_before, head->flavour());
    segments.push_back(std::make_shared<Segment>(make_segment(files, log, state, *head, carried_over)));
    added_before = state.added;
  }
  return SegmentCatalog(std::move(segments));
}

void add_block(SegmentListing& listing, const BlockRecord& block) {
  if (block.added.index() == listing.added.index()) add_all(listing.added, block.added);
  if (block.first_timestamp != 0) {
    listing.first_timestamp =
        listing.first_timestamp == 0 ? block.first_timestamp : std::min(listing.first_timestamp, block.first_timestamp);
  }
  listing.last_timestamp = std::max(listing.last_timestamp, block.last_timestamp);
  listing.transactions += block.transactions;
  listing.events += block.events;
}

// Whether the index says of a sealed file that ends at `end` that all of it is of before `time`.
bool is_all_before(const std::vector<FileSpan>& indexed, SegmentNumber number, std::uint64_t end, std::int64_t time) {
  const auto file = std::lower_bound(indexed.begin(), indexed.end(), number,
                                     [](const FileSpan& span, SegmentNumber wanted) { return span.segment < wanted; });
  return file != indexed.end() && file->segment == number && file->end == end && file->last_timestamp < time;
}

// The files at the front that are.
std::vector<SegmentNumber> all_before(const LogState& log, const std::vector<FileSpan>& indexed, std::int64_t time) {
  std::vector<SegmentNumber> front;
  for (const SegmentState& state : log.kept_segments()) {
    if (state.sealed && state.size <= kFirstEventOffset) continue;  // no file for anybody
    if (!state.sealed || !is_all_before(indexed, state.number, state.size, time)) break;
    front.push_back(state.number);
  }
  return front;
}

SegmentNumber first_behind(const std::vector<SegmentNumber>& left_out) {
  return left_out.empty() ? SegmentNumber{} : next(left_out.back());
}

std::uint64_t durable_end_of(const LogState& log, const Segment& segment) {
  return durable_end(log, log.segments()[raw(segment.number) - 1]);
}

// How far the file is to be read: to where it was sealed, or to where it ends now.
Result<std::uint64_t> readable_end(const LogState& log, const Segment& segment) {
  BINRELAY_ASSIGN(const File file, Disk().open_for_reading(segment.path));
  BINRELAY_ASSIGN(const std::uint64_t size, file.size());
  const std::uint64_t durable = durable_end_of(log, segment);
  if (size < durable) return shorter_than_stored(segment.source_name, size, durable);
  return segment.sealed ? segment.size : size;
}

// After `found` ended a scan to `limit`: Done where somebody may be writing the event, or a crash left it half written.
// Anything else is damage, and what stands behind it must not be left out silently.
Status pass_unfinished_tail(const LogState& log, const Segment& segment, const SegmentScan& scan, std::uint64_t limit,
                            const Error& found) {
  const bool bad_event = found.code == Errc::short_input || found.code == Errc::malformed ||
                         found.code == Errc::checksum || found.code == Errc::limit;
  if (segment.sealed || !bad_event || scan.end() >= limit) return found;
  BINRELAY_ASSIGN(const File file, Disk().open_for_reading(segment.path));
  BINRELAY_ASSIGN(const TailAction action,
                  judge_tail(file, scan.end(), limit, durable_end_of(log, segment), segment.checksum));
  return action == TailAction::cut ? Status(Done{}) : Status(found);
}

}  // namespace

struct Archive::State {
  StreamFiles files;
  LogState log;
  SegmentCatalog catalog;
  std::vector<SegmentNumber> left_out;
  std::size_t heads = kAllHeads;      // so many segments at most are in the catalog
  std::unique_ptr<IndexStore> index;  // nullptr: none, or unreadable now
  std::vector<FileSpan> files_indexed;

  // Records that can be believed to describe the segment's beginning; none otherwise.
  std::vector<BlockRecord> blocks_of(const Segment& segment, std::uint64_t limit) const {
    if (!index) return {};
    auto blocks = index->of_segment(segment.number);
    if (!blocks.ok() || !tiles(*blocks, limit)) return {};
    return std::move(*blocks);
  }
  // The same, where only places and times are asked for.
  std::vector<BlockSpan> spans_of(const Segment& segment, std::uint64_t limit) const {
    if (!index) return {};
    auto spans = index->spans_of_segment(segment.number);
    if (!spans.ok() || !tiles(*spans, limit)) return {};
    return std::move(*spans);
  }
};

Archive::Archive(std::unique_ptr<State> state) : state_(std::move(state)) {}
Archive::Archive(Archive&&) noexcept = default;
Archive::~Archive() = default;

Result<Archive> Archive::open(const std::filesystem::path& stream_directory, std::optional<std::int64_t> not_before) {
  const StreamFiles files{stream_directory};
  BINRELAY_TRY(check_format(Disk(), files));
  BINRELAY_ASSIGN(LogState log, read_log_state(files));
  std::unique_ptr<IndexStore> index;  // without it files are scanned
  std::vector<FileSpan> files_indexed;
  if (log.created()) {
    if (auto opened = IndexStore::open_for_reading(files.index(), log.created()->relay_uuid); opened.ok())
      index = std::move(*opened);
  }
  if (index) {
    if (auto known = index->file_spans(); known.ok()) files_indexed = std::move(*known);
  }
  std::vector<SegmentNumber> left_out;
  const std::size_t heads = not_before ? kHeadsAtFirst : kAllHeads;
  const auto read = [&] {
    if (not_before) left_out = all_before(log, files_indexed, *not_before);
    return read_catalog(files, log, first_behind(left_out), heads);
  };
  auto catalog = read();
  // A file that is missing may have been purged since the journal was read.
  for (int attempt = 1; !catalog.ok() && catalog.error().code == Errc::not_found && attempt < kCatalogAttempts;
       ++attempt) {
    BINRELAY_ASSIGN(log, read_log_state(files));
    catalog = read();
  }
  if (!catalog.ok()) return std::move(catalog).error();
  return Archive(std::unique_ptr<State>(new State{files, std::move(log), std::move(*catalog), std::move(left_out),
                                                  heads, std::move(index), std::move(files_indexed)}));
}

Result<bool> Archive::open_further() {
  const std::size_t opened = state_->catalog.segments().size();
  if (opened < state_->heads) return false;
  state_->heads *= 4;
  BINRELAY_ASSIGN(state_->catalog,
                  read_catalog(state_->files, state_->log, first_behind(state_->left_out), state_->heads));
  return state_->catalog.segments().size() > opened;
}

std::size_t Archive::left_out() const { return state_->left_out.size(); }

std::vector<std::string> Archive::names() const {
  std::vector<std::string> names;
  for (const SegmentState& state : state_->log.kept_segments()) {
    if (!state.sealed || state.size > kFirstEventOffset) names.push_back(state_->log.served_name(state));
  }
  return names;
}

const SegmentCatalog& Archive::catalog() const { return state_->catalog; }
std::optional<SourceIdentity> Archive::source() const { return state_->log.source(); }
const std::vector<RulesRecorded>& Archive::recorded_rules() const { return state_->log.rules(); }

std::string Archive::served_name(SegmentNumber number) const {
  const std::vector<SegmentState>& segments = state_->log.segments();
  const std::uint64_t index = raw(number);
  return index == 0 || index > segments.size() ? "" : state_->log.served_name(segments[index - 1]);
}

namespace {

// What the index does not know yet of `segment`: the groups in [from, limit).
Status scan_rest(const LogState& log, SegmentListing& listing, std::uint64_t from, std::uint64_t limit) {
  const Segment& segment = *listing.segment;
  BINRELAY_ASSIGN(SegmentScan scan, scan_segment(segment, from, limit));
  BlockBuilder block(segment.number, from, segment.flavour);
  for (;;) {
    const auto event = scan.next();
    if (!event.ok()) BINRELAY_TRY(pass_unfinished_tail(log, segment, scan, limit, scan.placed(event.error())));
    if (!event.ok() || !*event) break;
    block.add(**event, scan.boundary());
  }
  add_block(listing, block.finish(scan.end()));
  listing.size = std::max(listing.size, scan.end());
  return Done{};
}

}  // namespace

Result<SegmentListing> Archive::listing_of(const std::shared_ptr<const Segment>& segment) const {
  SegmentListing listing;
  listing.segment = segment;
  listing.added = empty_state(segment->flavour);
  BINRELAY_ASSIGN(std::uint64_t limit, readable_end(state_->log, *segment));
  if (segment->sealed) {
    listing.size = segment->size;
    limit = segment->last_boundary;
  }
  std::uint64_t indexed = kFirstEventOffset;
  for (const BlockRecord& block : state_->blocks_of(*segment, limit)) {
    add_block(listing, block);
    indexed = block.end;
  }
  listing.from_index = indexed == limit;
  listing.size = std::max(listing.size, indexed);
  if (!listing.from_index) BINRELAY_TRY(scan_rest(state_->log, listing, indexed, limit));
  return listing;
}

Result<std::vector<SegmentListing>> Archive::list(const Progress& progress) const {
  std::vector<SegmentListing> listings;
  std::uint64_t done = 0, all = 0;
  for (const auto& segment : state_->catalog.segments()) all += segment->size;
  for (const auto& segment : state_->catalog.segments()) {
    auto listed = listing_of(segment);
    if (!listed.ok() && listed.error().code == Errc::not_found) continue;  // purged meanwhile
    BINRELAY_ASSIGN(SegmentListing listing, std::move(listed));
    done += listing.size;
    if (progress) progress(done, std::max(done, all));
    listings.push_back(std::move(listing));
  }
  return listings;
}

Result<GtidState> Archive::executed() const {
  const auto newest = state_->catalog.newest();
  if (!newest) return GtidState{};
  BINRELAY_ASSIGN(const SegmentListing listing, listing_of(newest));
  GtidState state = log_behind(newest.get(), listing.added, newest->flavour);
  auto* set = std::get_if<MysqlGtidSet>(&state);
  if (!set || !source()) return state;
  if (const auto purged = MysqlGtidSet::parse(source()->gtid_purged_at_start)) set->add(*purged);
  return state;
}

std::optional<std::uint64_t> Archive::begin_not_before(const Segment& segment, std::int64_t time) const {
  // Times of transactions go back and forth, so each block's greatest counts. What stands around them, the head and a
  // ROTATE, is as old as its file and the one that follows.
  if (segment.created_at >= time || !segment.sealed) return kFirstEventOffset;
  if (is_all_before(state_->files_indexed, segment.number, segment.size, time)) return std::nullopt;
  std::uint64_t indexed = kFirstEventOffset, last_begin = kFirstEventOffset;
  for (const BlockSpan& block : state_->spans_of(segment, segment.last_boundary)) {
    if (block.last_timestamp >= time) return block.begin;
    last_begin = block.begin;
    indexed = block.end;
  }
  if (indexed != segment.last_boundary) return indexed;
  if (segment.size != segment.last_boundary) return segment.last_boundary;  // a group that its source never finished
  const auto following = state_->catalog.after(segment.number);
  if (following && youngest_end(segment, *following) < time) return std::nullopt;
  return last_begin;
}

Status Archive::events(const Segment& segment, std::uint64_t from_offset,
                       const std::function<bool(const ArchivedEvent&)>& visit, std::uint64_t whole_up_to) const {
  BINRELAY_ASSIGN(const std::uint64_t limit, readable_end(state_->log, segment));
  const std::uint64_t wanted = std::max(from_offset, kFirstEventOffset);
  std::uint64_t begin = kFirstEventOffset;  // the last known boundary before
  for (const BlockSpan& block : state_->spans_of(segment, limit)) {
    if (block.begin <= wanted) begin = block.begin;
  }
  BINRELAY_ASSIGN(SegmentScan scan, scan_segment(segment, begin, limit, kEventsBuffer));
  scan.gather_up_to(whole_up_to);
  bool reached = false;
  for (;;) {
    const auto next = scan.next();
    if (!next.ok()) BINRELAY_TRY(pass_unfinished_tail(state_->log, segment, scan, limit, scan.placed(next.error())));
    if (!next.ok() || !*next) break;
    const ScannedEvent& event = **next;
    if (event.offset < wanted) continue;
    if (!reached && event.offset != wanted) break;
    reached = true;
    const bool shown = event.whole && event.header.size <= whole_up_to;
    if (!visit({&segment, event.offset, event.header, shown ? event.bytes : Bytes{}, event.bytes, event.place}))
      return Done{};
  }
  if (reached || scan.end() == wanted) return Done{};
  return Error{Errc::not_found, "no event of " + segment.served_name + " begins at " + std::to_string(wanted)};
}

Status rebuild_index(const std::filesystem::path& stream_directory, const Progress& progress) {
  const StreamFiles files{stream_directory};
  const Disk disk;
  BINRELAY_TRY(check_format(disk, files));
  BINRELAY_ASSIGN([[maybe_unused]] const DataDirLock lock, DataDirLock::take(disk, files.lock()));
  BINRELAY_ASSIGN(const LogState log, read_log_state(files));
  BINRELAY_ASSIGN(const SegmentCatalog catalog, read_catalog(files, log));
  if (!log.created()) return Error{Errc::checksum, files.journal().string() + ": its first record is lost"};
  BINRELAY_TRY(disk.remove_tree(files.index()));
  BINRELAY_ASSIGN(const std::unique_ptr<IndexStore> index, IndexStore::open(files.index(), log.created()->relay_uuid));

  std::uint64_t done = 0, all = 0;
  for (const auto& segment : catalog.segments()) {
    BINRELAY_ASSIGN(const std::uint64_t size, readable_end(log, *segment));
    all += size;
  }
  for (const auto& segment : catalog.segments()) {
    BINRELAY_ASSIGN(const std::uint64_t size, readable_end(log, *segment));
    const std::uint64_t limit = segment->sealed ? segment->last_boundary : size;
    BINRELAY_ASSIGN(SegmentScan scan, scan_segment(*segment, kFirstEventOffset, limit));
    const auto made =
        make_block_records(scan, *segment, kFirstEventOffset, segment->sealed, StorageOptions{}.index_block_bytes,
                           [&](const BlockRecord& record) -> Result<bool> {
                             BINRELAY_TRY(index->put(record));
                             if (progress) progress(done + record.end, all);
                             return true;
                           });
    if (!made.ok()) BINRELAY_TRY(pass_unfinished_tail(log, *segment, scan, limit, made.error()));
    if (const auto following = catalog.after(segment->number))
      BINRELAY_TRY(index->finish_file(segment->number, segment->created_at, youngest_end(*segment, *following)));
    done += size;
    if (progress) progress(done, all);
  }
  return Done{};
}

}  // namespace binrelay
