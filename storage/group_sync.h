#pragma once
// GroupSync: the thread that makes what was written durable. One fdatasync covers everything written before it. Who has
// written and has nothing else to do syncs by itself: that spares a change of threads.
//
// Thread: its own; sync_here() the upstream's. Owner: EventLog. Borrows: the EndsBoard outlives it; EndsBoard::stop
// ends it.
#include <atomic>
#include <cstdint>
#include <thread>

#include "storage/ends_board.h"
#include "storage/latency_histogram.h"

namespace binrelay {

class GroupSync {
 public:
  explicit GroupSync(EndsBoard& board) : board_(board), thread_([this] { run(); }) {}
  ~GroupSync() {
    if (thread_.joinable()) thread_.join();
  }
  GroupSync(const GroupSync&) = delete;
  GroupSync& operator=(const GroupSync&) = delete;

  // What was written with EndsBoard::SyncBy::caller. Not if a sync is under way: its thread goes on with this.
  void sync_here();

  std::uint64_t syncs() const { return syncs_.load(std::memory_order_relaxed); }
  std::uint64_t last_us() const { return last_us_.load(std::memory_order_relaxed); }
  std::uint64_t max_us() const { return max_us_.load(std::memory_order_relaxed); }
  std::int64_t last_at() const { return last_at_.load(std::memory_order_relaxed); }  // unix seconds; 0: none yet
  LatencyCounts times() const { return times_.read(); }

 private:
  void run();
  void sync(EndsBoard::SyncWork work);

  EndsBoard& board_;
  std::atomic<std::uint64_t> syncs_{0}, last_us_{0}, max_us_{0};
  std::atomic<std::int64_t> last_at_{0};
  LatencyHistogram times_;
  std::thread thread_;  // last: starts when everything else is there
};

}  // namespace binrelay
