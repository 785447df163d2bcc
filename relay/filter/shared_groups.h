#pragma once
// SharedGroups: what goes out of the last groups of the log, for the consumers of one view that stand at its end. The
// first who comes to a group filters it, the others take the same bytes. Whoever falls behind reads and filters for
// himself; what anybody is sent is the same either way.
//
// Thread: any; one mutex, held for a look or a move of pointers. Owner: the dumps of the view, together. Borrows
// nothing. Memory: kMostBytes, and the groups that are being sent; none while fewer than two consumers are at the end.
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <deque>
#include <map>
#include <memory>
#include <mutex>

#include "protocol/bytes.h"
#include "protocol/event/event_run.h"
#include "protocol/filter/filter_rules.h"
#include "protocol/filter/group_plan.h"
#include "protocol/ids.h"
#include "storage/segment/segment_blocks.h"

namespace binrelay {

// A group as the view shows it; immutable.
struct FilteredGroup {
  LogPosition begin{};
  std::uint64_t end = 0;  // where the stored group ends, in the same file
  // What it was made from and by: LogCursor::read_from(), and the rules.
  std::shared_ptr<const SegmentBlocks> file;
  std::shared_ptr<const RuleSet> rules;
  ByteBuffer bytes;  // events one behind the other
  std::size_t events = 0;
  std::uint32_t last_timestamp = 0;
  bool empty = false;  // no change and no statement is in it
  std::map<std::uint64_t, RuleTally> tallies;

  EventRun run() const { return {bytes, events, last_timestamp}; }
};

class SharedGroups {
 public:
  static constexpr std::size_t kLargestGroup = 32u << 10;
  static constexpr std::size_t kMostBytes = 256u << 10;  // of what goes out
  static constexpr std::size_t kMostGroups = 1024;

  // A consumer at the end of the log; it is one as long as this lives.
  class Member {
   public:
    explicit Member(std::shared_ptr<SharedGroups> groups);
    ~Member();
    Member(const Member&) = delete;
    Member& operator=(const Member&) = delete;
    // Whether anybody could want what this one filters.
    bool has_company() const { return groups_->members_.load(std::memory_order_relaxed) > 1; }
    SharedGroups& groups() { return *groups_; }

   private:
    std::shared_ptr<SharedGroups> groups_;
  };

  // nullptr: nobody has filtered it, or from other bytes, or by other rules.
  std::shared_ptr<const FilteredGroup> find(LogPosition begin, const SegmentBlocks& file, const RuleSet& rules) const;
  // Not kept: one that is larger than kLargestGroup, and one that lies before the last that is kept.
  void add(std::shared_ptr<const FilteredGroup> group);

  std::size_t held_bytes() const;
  std::uint64_t found() const { return found_.load(std::memory_order_relaxed); }  // how often find() had one

 private:
  void drop_front();

  std::atomic<std::size_t> members_{0};  // changes under the mutex
  mutable std::atomic<std::uint64_t> found_{0};
  mutable std::mutex mutex_;                                 // guards what follows
  std::deque<std::shared_ptr<const FilteredGroup>> groups_;  // by place
  std::size_t bytes_ = 0;                                    // theirs
};

}  // namespace binrelay
