#include "storage/group_sync.h"

#include <algorithm>
#include <chrono>
#include <ctime>

namespace binrelay {

void GroupSync::run() {
  while (auto work = board_.wait_for_sync_work()) sync(std::move(*work));
}

void GroupSync::sync_here() {
  if (auto work = board_.take_sync_work()) sync(std::move(*work));
}

// One at a time, whichever thread: the board gives out no more.
void GroupSync::sync(EndsBoard::SyncWork work) {
  const auto begin = std::chrono::steady_clock::now();
  // After a failure there is work again when the log has been reopened.
  if (auto synced = work.file->sync(); !synced.ok()) return board_.on_sync_failed(std::move(synced).error());
  const auto took = std::chrono::duration_cast<std::chrono::microseconds>(std::chrono::steady_clock::now() - begin);
  const auto us = static_cast<std::uint64_t>(took.count());
  last_us_.store(us, std::memory_order_relaxed);
  max_us_.store(std::max(us, max_us()), std::memory_order_relaxed);
  times_.add(took);
  last_at_.store(std::time(nullptr), std::memory_order_relaxed);
  syncs_.fetch_add(1, std::memory_order_relaxed);
  board_.on_synced(std::move(work));
}

}  // namespace binrelay
