#include "storage/index/index_feed.h"

#include <utility>

#include "storage/segment/segment_files.h"

namespace binrelay {

void IndexFeed::begin_segment(SegmentNumber segment, Flavour flavour) {
  block_.reset();
  if (block_bytes_ != 0 && has_room()) block_.emplace(segment, kFirstEventOffset, flavour);
}

void IndexFeed::resume(const Segment& segment, std::uint64_t from, std::uint64_t end) {
  break_off();
  if (block_bytes_ == 0 || from > end || end - from > kMostReread * block_bytes_) return;
  auto scan = scan_segment(segment, from, end);
  if (!scan.ok()) return;
  block_.emplace(segment.number, from, segment.flavour);
  for (;;) {
    const auto event = scan->next();
    if (!event.ok()) return break_off();  // the index thread tells what is wrong
    if (!*event) return;
    on_event(**event, scan->boundary(), scan->end());
  }
}

void IndexFeed::end_segment(std::uint64_t last_boundary, bool in_group) {
  // It has counted what belongs to no whole group.
  if (block_ && !in_group && last_boundary > block_->begin()) hand_over(last_boundary);
  block_.reset();
}

void IndexFeed::break_off() {
  block_.reset();
  const std::lock_guard lock(mutex_);
  waiting_.clear();
}

void IndexFeed::hand_over(std::uint64_t end) {
  BlockRecord record = block_->finish(end);
  const std::lock_guard lock(mutex_);
  if (waiting_.size() < kMostWaiting)
    waiting_.push_back(std::move(record));
  else
    block_.reset();
}

bool IndexFeed::has_room() const {
  const std::lock_guard lock(mutex_);
  return waiting_.size() < kMostWaiting;
}

std::optional<BlockRecord> IndexFeed::take(LogPosition begin, LogPosition durable) {
  const std::lock_guard lock(mutex_);
  while (!waiting_.empty() && LogPosition{waiting_.front().segment, waiting_.front().begin} < begin)
    waiting_.pop_front();
  if (waiting_.empty()) return std::nullopt;
  const BlockRecord& next = waiting_.front();
  if (LogPosition{next.segment, next.begin} != begin || LogPosition{next.segment, next.end} > durable)
    return std::nullopt;
  BlockRecord taken = std::move(waiting_.front());
  waiting_.pop_front();
  return taken;
}

}  // namespace binrelay
