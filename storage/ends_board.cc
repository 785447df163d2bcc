#include "storage/ends_board.h"

#include <algorithm>

#include "protocol/check.h"

namespace binrelay {

EndsBoard::EndsBoard(ServeAfter serve_after, LogEnds ends, GtidState executed,
                     std::shared_ptr<const SegmentCatalog> catalog)
    : serve_after_(serve_after),
      ends_(ends),
      written_boundary_(ends.visible),
      durable_boundary_(ends.visible),
      executed_(std::move(executed)),
      catalog_(std::move(catalog)) {
  check_ends();
}

void EndsBoard::check_ends() const {
  BINRELAY_CHECK(ends_.durable <= ends_.written, "durable is not past written");
  BINRELAY_CHECK(ends_.visible <= ends_.written, "visible is not past written");
  BINRELAY_CHECK(serve_after_ == ServeAfter::write || ends_.visible <= ends_.durable, "visible is not past durable");
}

bool EndsBoard::move_visible(LogPosition boundary, const std::vector<GtidRun>& gtids) {
  BINRELAY_CHECK(boundary >= ends_.visible, "visible only moves forward");
  for (const GtidRun& run : gtids) add(executed_, run);
  const bool moved = boundary > ends_.visible;
  ends_.visible = boundary;
  check_ends();
  return moved;
}

void EndsBoard::on_written(LogPosition end, LogPosition boundary, std::vector<GtidRun>&& gtids, SyncBy sync_by) {
  bool moved = false, too_much = false;
  {
    const std::lock_guard lock(mutex_);
    BINRELAY_CHECK(end >= ends_.written && boundary >= written_boundary_, "written only moves forward");
    ends_.written = end;
    written_boundary_ = boundary;
    if (serve_after_ == ServeAfter::write) {
      moved = move_visible(boundary, gtids);
    } else if (unsynced_gtids_.empty()) {
      unsynced_gtids_.swap(gtids);
    } else {
      unsynced_gtids_.insert(unsynced_gtids_.end(), gtids.begin(), gtids.end());
    }
    too_much = ends_.written.offset - ends_.durable.offset > kMaxUnsyncedBytes;
  }
  gtids.clear();
  tell(moved);  // first: with ServeAfter::write consumers wait for this
  if (sync_by == SyncBy::sync_thread || too_much) work_.notify_one();
  if (!too_much) return;
  std::unique_lock lock(mutex_);
  durable_.wait(lock, [&] { return failure_ || ends_.written.offset - ends_.durable.offset <= kMaxUnsyncedBytes; });
}

void EndsBoard::on_opened(SegmentNumber segment, std::shared_ptr<File> file) {
  const std::lock_guard lock(mutex_);
  BINRELAY_CHECK(ends_.written == ends_.durable, "a segment is durable before the next one opens");
  ends_.written = ends_.durable = LogPosition{segment, kFirstEventOffset};
  active_file_ = std::move(file);
  check_ends();
}

void EndsBoard::set_active_file(std::shared_ptr<File> file) {
  const std::lock_guard lock(mutex_);
  active_file_ = std::move(file);
}

void EndsBoard::add_to_catalog(std::shared_ptr<const Segment> segment) {
  const std::lock_guard lock(mutex_);
  auto segments = catalog_->segments();
  segments.push_back(std::move(segment));
  catalog_ = std::make_shared<SegmentCatalog>(std::move(segments));
}

void EndsBoard::replace_newest(std::shared_ptr<const Segment> segment) {
  const std::lock_guard lock(mutex_);
  auto segments = catalog_->segments();
  BINRELAY_CHECK(!segments.empty() && segments.back()->number == segment->number, "the newest segment is replaced");
  segments.back() = std::move(segment);
  catalog_ = std::make_shared<SegmentCatalog>(std::move(segments));
}

std::vector<std::shared_ptr<const Segment>> EndsBoard::drop_before(SegmentNumber oldest) {
  const std::lock_guard lock(mutex_);
  const auto& segments = catalog_->segments();
  const auto first_kept =
      std::find_if(segments.begin(), segments.end(), [&](const auto& segment) { return segment->number == oldest; });
  BINRELAY_CHECK(first_kept != segments.end() && oldest <= ends_.visible.segment, "visible stays in the catalog");
  std::vector<std::shared_ptr<const Segment>> dropped(segments.begin(), first_kept);
  catalog_ = std::make_shared<SegmentCatalog>(std::vector(first_kept, segments.end()));
  return dropped;
}

void EndsBoard::set_executed(GtidState executed) {
  const std::lock_guard lock(mutex_);
  executed_ = std::move(executed);
}

Status EndsBoard::wait_until_durable() {
  std::unique_lock lock(mutex_);
  durable_.wait(lock, [&] { return failure_ || ends_.durable == ends_.written; });
  if (failure_) return *failure_;
  return Done{};
}

Result<bool> EndsBoard::wait_until_durable(std::chrono::milliseconds time) {
  std::unique_lock lock(mutex_);
  const bool durable = durable_.wait_for(lock, time, [&] { return failure_ || ends_.durable == ends_.written; });
  if (failure_) return *failure_;
  return durable;
}

std::optional<EndsBoard::SyncWork> EndsBoard::wait_for_sync_work() {
  std::unique_lock lock(mutex_);
  work_.wait(lock, [&] { return stopping_ || (!failure_ && !syncing_ && ends_.durable != ends_.written); });
  if (stopping_) return std::nullopt;
  return begin_sync();
}

std::optional<EndsBoard::SyncWork> EndsBoard::take_sync_work() {
  const std::lock_guard lock(mutex_);
  if (stopping_ || failure_ || syncing_ || ends_.durable == ends_.written) return std::nullopt;
  return begin_sync();
}

EndsBoard::SyncWork EndsBoard::begin_sync() {
  SyncWork work{active_file_, ends_.written, written_boundary_, std::move(unsynced_gtids_)};
  unsynced_gtids_.clear();
  syncing_ = true;
  return work;
}

void EndsBoard::on_synced(SyncWork work) {
  bool moved = false;
  {
    const std::lock_guard lock(mutex_);
    syncing_ = false;
    ends_.durable = work.end;
    durable_boundary_ = work.boundary;
    if (serve_after_ == ServeAfter::fsync) moved = move_visible(work.boundary, work.gtids);
    if (index_wants_ && durable_boundary_ >= *index_wants_) indexable_.notify_one();
  }
  tell(moved);
  durable_.notify_all();
}

std::optional<LogPosition> EndsBoard::wait_for_durable_boundary(SegmentNumber segment, std::uint64_t wanted,
                                                                const std::atomic<bool>& given_up) {
  std::unique_lock lock(mutex_);
  index_wants_ = LogPosition{segment, wanted};
  indexable_.wait(lock, [&] { return stopping_ || given_up || durable_boundary_ >= *index_wants_; });
  index_wants_.reset();
  if (stopping_ || given_up) return std::nullopt;
  return durable_boundary_;
}

void EndsBoard::on_sync_failed(Error error) {
  const std::lock_guard lock(mutex_);
  syncing_ = false;
  sync_failed_ = true;
  fail_locked(std::move(error));
}

void EndsBoard::fail(Error error) {
  const std::lock_guard lock(mutex_);
  fail_locked(std::move(error));
}

void EndsBoard::fail_locked(Error error) {
  if (!failure_) failure_ = std::move(error);
  failed_.store(true, std::memory_order_release);
  durable_.notify_all();
}

LogPosition EndsBoard::settle() {
  std::unique_lock lock(mutex_);
  BINRELAY_CHECK(failure_.has_value(), "only a failed log settles");
  durable_.wait(lock, [&] { return !syncing_; });
  if (sync_failed_ || ends_.durable == ends_.written) return ends_.durable;
  const std::shared_ptr<File> file = active_file_;
  lock.unlock();  // the disk may take its time; the sync thread does nothing while there is a failure
  const bool synced = file->sync().ok();
  lock.lock();
  sync_failed_ = !synced;
  if (synced) ends_.durable = ends_.written;
  return ends_.durable;
}

void EndsBoard::reopen(LogEnds ends, GtidState executed, std::shared_ptr<const SegmentCatalog> catalog) {
  bool moved = false;
  {
    const std::lock_guard lock(mutex_);
    moved = ends.visible > ends_.visible;
    ends_ = ends;
    written_boundary_ = durable_boundary_ = ends.visible;
    unsynced_gtids_.clear();
    executed_ = std::move(executed);
    catalog_ = std::move(catalog);
    sync_failed_ = false;
    failure_.reset();
    failed_.store(false, std::memory_order_release);
    check_ends();
    durable_.notify_all();
    indexable_.notify_one();
  }
  tell(moved);
}

void EndsBoard::wake_index() {
  const std::lock_guard lock(mutex_);
  indexable_.notify_one();
}

void EndsBoard::stop() {
  const std::lock_guard lock(mutex_);
  stopping_ = true;
  work_.notify_all();
  durable_.notify_all();
  indexable_.notify_one();
}

std::optional<Error> EndsBoard::failure() const {
  const std::lock_guard lock(mutex_);
  return failure_;
}

LogEnds EndsBoard::ends() const {
  const std::lock_guard lock(mutex_);
  return ends_;
}

GtidState EndsBoard::executed() const {
  const std::lock_guard lock(mutex_);
  return executed_;
}

std::shared_ptr<const SegmentCatalog> EndsBoard::catalog() const {
  const std::lock_guard lock(mutex_);
  return catalog_;
}

}  // namespace binrelay
