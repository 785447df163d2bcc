#pragma once
// IndexFeed hands block records from the thread that appends to the one that stores them: what was known of each event
// when it came is not read, checked and decoded a second time.
//
// Thread: the upstream thread feeds, the index thread takes; one mutex, locked once for a block. Owner: EventLog.
//
// Invariant: the records are those that make_block_records() makes of the same bytes. Where some are missing the index
// thread makes them so: nothing depends on the feed.
#include <cstddef>
#include <cstdint>
#include <deque>
#include <mutex>
#include <optional>

#include "storage/index/block_record.h"
#include "storage/segment/segment_catalog.h"

namespace binrelay {

class IndexFeed {
 public:
  // More records than these do not wait for the index thread: it has to read what comes then. Several times what may
  // wait for the disk.
  static constexpr std::size_t kMostWaiting = 256;

  // 0: there is no index.
  explicit IndexFeed(std::uint64_t block_bytes) : block_bytes_(block_bytes) {}

  // --- upstream thread, and who opens the log before that ---
  // The first event of a segment comes next.
  void begin_segment(SegmentNumber segment, Flavour flavour);
  // The next event of `segment` is the one at `end`; the index ends at `from`. What lies between is read again, unless
  // it is more than kMostReread blocks.
  void resume(const Segment& segment, std::uint64_t from, std::uint64_t end);
  // `end`: of the event. `boundary` has seen it.
  void on_event(const ScannedEvent& event, const TransactionBoundary& boundary, std::uint64_t end) {
    if (!block_) return;
    block_->add(event, boundary);
    if (!boundary.in_group() && end - block_->begin() >= block_bytes_) hand_over(end);
  }
  // The segment gets no more; `in_group`: it ends inside of one.
  void end_segment(std::uint64_t last_boundary, bool in_group);
  // What was handed over and not taken is forgotten; nothing more comes of this segment.
  void break_off();

  // --- index thread ---
  // The record of the block that begins at `begin`, when it is whole and durable. Those before are forgotten.
  std::optional<BlockRecord> take(LogPosition begin, LogPosition durable);

 private:
  static constexpr std::uint64_t kMostReread = 16;

  void hand_over(std::uint64_t end);
  bool has_room() const;

  const std::uint64_t block_bytes_;
  std::optional<BlockBuilder> block_;  // upstream thread; nullopt: nothing is fed
  mutable std::mutex mutex_;
  std::deque<BlockRecord> waiting_;  // each begins where the one before ends, but where nothing was fed
};

}  // namespace binrelay
