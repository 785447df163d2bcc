#include "storage/index/index_writer.h"

#include <sys/resource.h>

#include <set>

#include "storage/segment/segment_files.h"

namespace binrelay {
namespace {

constexpr int kNice = 10;

}  // namespace

Result<std::uint64_t> make_block_records(SegmentScan& scan, const Segment& segment, std::uint64_t from, bool to_the_end,
                                         std::uint64_t block_bytes,
                                         const std::function<Result<bool>(const BlockRecord&)>& emit) {
  BlockBuilder block(segment.number, from, segment.flavour);
  for (;;) {
    const auto event = scan.next();
    if (!event.ok()) return scan.placed(event.error());
    if (!*event) break;
    block.add(**event, scan.boundary());
    if (scan.boundary().in_group() || scan.end() - block.begin() < block_bytes) continue;
    BINRELAY_ASSIGN(const bool go_on, emit(block.finish(scan.end())));
    if (!go_on) return block.begin();
  }
  if (to_the_end && scan.last_boundary() > block.begin()) {
    BINRELAY_ASSIGN([[maybe_unused]] const bool go_on, emit(block.finish(scan.last_boundary())));
  }
  return block.begin();
}

IndexWriter::IndexWriter(EndsBoard& board, IndexStore& store, IndexFeed& feed, LogPosition from,
                         std::uint64_t block_bytes)
    : board_(board), store_(store), feed_(feed), block_bytes_(block_bytes), indexed_(from), thread_([this, from] {
        run(from);
      }) {}

void IndexWriter::run(LogPosition at) {
  // Nobody waits for the index: what comes in and what goes out has the processors first. Of this thread alone
  // (setpriority(2)); if it is refused, nothing is lost.
  static_cast<void>(::setpriority(PRIO_PROCESS, 0, kNice));
  if (!finish_files_before(at.segment)) return;
  while (const auto durable = board_.wait_for_durable_boundary(at.segment, at.offset + block_bytes_, stopping_)) {
    const auto catalog = board_.catalog();
    const std::shared_ptr<const Segment> segment = catalog->find(at.segment);
    const bool passed = durable->segment > at.segment;
    if (segment != nullptr) {
      auto end = put_fed(at, *durable);
      const bool fed = end.ok() && *end != at && !passed;
      if (end.ok()) at = *end;
      // What was not fed is read.
      if (end.ok() && !fed) end = index(*segment, at.offset, passed ? segment->last_boundary : durable->offset, passed);
      const std::lock_guard lock(mutex_);
      if (!end.ok() && segment->number >= oldest_) {
        failure_ = std::move(end).error();
        return;
      }
      if (end.ok()) at = *end;
    }
    if (!passed || stopping_) continue;
    const std::shared_ptr<const Segment> following = catalog->after(at.segment);
    if (segment != nullptr && !finish_file(*segment, *following)) return;
    at = {following->number, kFirstEventOffset};
  }
}

Result<LogPosition> IndexWriter::put_fed(LogPosition at, LogPosition durable) {
  while (const auto record = feed_.take(at, durable)) {
    BINRELAY_ASSIGN(const bool go_on, put(*record));
    at = {record->segment, record->end};
    if (!go_on) break;
  }
  return at;
}

Result<LogPosition> IndexWriter::index(const Segment& segment, std::uint64_t from, std::uint64_t to, bool to_the_end) {
  if (from >= to) return LogPosition{segment.number, from};
  BINRELAY_ASSIGN(SegmentScan scan, scan_segment(segment, from, to));
  BINRELAY_ASSIGN(const std::uint64_t end,
                  make_block_records(scan, segment, from, to_the_end, block_bytes_,
                                     [this](const BlockRecord& record) { return put(record); }));
  return LogPosition{segment.number, end};
}

// False: it is not wanted, or it is the last.
Result<bool> IndexWriter::put(const BlockRecord& record) {
  const std::lock_guard lock(mutex_);
  if (record.segment < oldest_) return false;
  BINRELAY_TRY(store_.put(record));
  indexed_ = {record.segment, record.end};
  return !stopping_;
}

// Those that were over before files were summed up.
bool IndexWriter::finish_files_before(SegmentNumber number) {
  const auto finished = store_.file_spans();
  const auto catalog = board_.catalog();
  std::set<SegmentNumber> known;
  if (finished.ok()) {
    for (const FileSpan& file : *finished) known.insert(file.segment);
  }
  for (const auto& segment : catalog->segments()) {
    const std::shared_ptr<const Segment> following = catalog->after(segment->number);
    if (stopping_ || segment->number >= number || !following) break;
    if (!known.contains(segment->number) && !finish_file(*segment, *following)) return false;
  }
  return true;
}

// False: the index can no longer be written.
bool IndexWriter::finish_file(const Segment& segment, const Segment& following) {
  const std::lock_guard lock(mutex_);
  if (segment.number < oldest_) return true;
  auto finished = store_.finish_file(segment.number, segment.created_at, youngest_end(segment, following));
  if (!finished.ok()) failure_ = std::move(finished).error();
  return !failure_;
}

void IndexWriter::forget_before(SegmentNumber oldest) {
  const std::lock_guard lock(mutex_);
  oldest_ = oldest;
  if (auto removed = store_.remove_before(oldest); !removed.ok() && !failure_) {
    failure_ = std::move(removed).error();
    give_up();
  }
}

LogPosition IndexWriter::indexed() const {
  const std::lock_guard lock(mutex_);
  return indexed_;
}

std::optional<Error> IndexWriter::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

}  // namespace binrelay
