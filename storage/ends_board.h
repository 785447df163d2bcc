#pragma once
// EndsBoard: the state that the threads of a log share: its ends, what is executed, the catalog, and the failure that
// stops it.
//
// Thread: any; one mutex. Owner: EventLog.
//
// Invariant: ends only move forward, but for reopen(); visible <= durable <= written (ServeAfter::fsync) or visible <=
// written (ServeAfter::write); `visible` and `executed` move together; `visible` names a segment of the catalog.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <vector>

#include "protocol/gtid/gtid_state.h"
#include "protocol/ids.h"
#include "protocol/result.h"
#include "storage/event_log.h"
#include "storage/file/disk.h"
#include "storage/segment/segment_catalog.h"
#include "storage/storage_options.h"

namespace binrelay {

// Bytes that may wait for the disk; the upstream thread waits beyond. Also bounds the GTIDs that wait to become
// visible.
inline constexpr std::uint64_t kMaxUnsyncedBytes = 64u << 20;

class EndsBoard {
 public:
  EndsBoard(ServeAfter serve_after, LogEnds ends, GtidState executed, std::shared_ptr<const SegmentCatalog> catalog);

  // --- upstream thread ---
  // The active file holds everything below `end`; `boundary` is the last one in it, `gtids` are of the groups that
  // became whole. Waits while too much is not on the disk.
  // `sync_by` the caller: who calls take_sync_work() next.
  enum class SyncBy : std::uint8_t { sync_thread, caller };
  void on_written(LogPosition end, LogPosition boundary, std::vector<GtidRun>&& gtids,
                  SyncBy sync_by = SyncBy::sync_thread);
  // The segment before is sealed and durable; the next one holds its magic.
  void on_opened(SegmentNumber segment, std::shared_ptr<File> file);
  void set_active_file(std::shared_ptr<File> file);
  void add_to_catalog(std::shared_ptr<const Segment> segment);  // it becomes the newest
  void replace_newest(std::shared_ptr<const Segment> segment);  // by itself, sealed
  void set_executed(GtidState executed);
  Status wait_until_durable();  // everything written
  // False: not within `time`.
  Result<bool> wait_until_durable(std::chrono::milliseconds time);
  void on_visible(std::function<void()> listener) { listener_ = std::move(listener); }

  // --- upstream thread, after a failure ---
  // Waits until no fdatasync is under way, and makes what was written durable if that is still possible. Returns the
  // durable end: what lies behind may be in the page cache only, and is not to be trusted.
  LogPosition settle();
  // The failure is over. `visible` is taken from `ends` and may be less than it was with ServeAfter::write.
  void reopen(LogEnds ends, GtidState executed, std::shared_ptr<const SegmentCatalog> catalog);

  // --- housekeeping ---
  // Takes the segments before `oldest`, which must be there, out of the catalog; returns them.
  std::vector<std::shared_ptr<const Segment>> drop_before(SegmentNumber oldest);

  // --- sync thread; the upstream thread, too, with what it has just written ---
  struct SyncWork {
    std::shared_ptr<File> file;
    LogPosition end, boundary;
    std::vector<GtidRun> gtids;
  };
  std::optional<SyncWork> wait_for_sync_work();  // nullopt: stop
  // nullopt: there is none, or a sync is under way and the sync thread goes on with it.
  std::optional<SyncWork> take_sync_work();
  void on_synced(SyncWork work);
  void on_sync_failed(Error error);

  // --- index thread ---
  // Waits until the durable boundary is at or behind `wanted` bytes of `segment`, or in a later segment. nullopt: stop,
  // or `given_up`.
  std::optional<LogPosition> wait_for_durable_boundary(SegmentNumber segment, std::uint64_t wanted,
                                                       const std::atomic<bool>& given_up);
  void wake_index();  // for who has set `given_up`

  // --- any thread ---
  void fail(Error error);  // the first one stays
  void stop();
  std::optional<Error> failure() const;
  bool failed() const { return failed_.load(std::memory_order_acquire); }
  LogEnds ends() const;
  GtidState executed() const;
  std::shared_ptr<const SegmentCatalog> catalog() const;

 private:
  void check_ends() const;
  void fail_locked(Error error);
  SyncWork begin_sync();
  bool move_visible(LogPosition boundary, const std::vector<GtidRun>& gtids);
  void tell(bool moved) {
    if (moved && listener_) listener_();
  }

  const ServeAfter serve_after_;
  std::function<void()> listener_;  // set before the first append

  mutable std::mutex mutex_;
  std::condition_variable work_;       // the sync thread waits
  std::condition_variable durable_;    // the upstream thread waits
  std::condition_variable indexable_;  // the index thread waits: seldom woken, whatever the number of commits
  std::optional<LogPosition> index_wants_;
  LogEnds ends_;
  LogPosition written_boundary_;  // last boundary <= written
  LogPosition durable_boundary_;  // last boundary <= durable
  std::vector<GtidRun> unsynced_gtids_;
  GtidState executed_;
  std::shared_ptr<const SegmentCatalog> catalog_;
  std::shared_ptr<File> active_file_;
  std::optional<Error> failure_;
  std::atomic<bool> failed_{false};  // failure_ is set: asked for every event, so without the mutex
  bool syncing_ = false;             // an fdatasync is under way
  bool sync_failed_ = false;         // one has failed: the page cache says nothing of the disk any more
  bool stopping_ = false;
};

}  // namespace binrelay
