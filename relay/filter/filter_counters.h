#pragma once
// FilterCounters: what the rules of a stream have let out and held back, over all consumers. Thread: any; one mutex,
// taken once a transaction. Owner: Stream.
#include <cstdint>
#include <ctime>
#include <map>
#include <mutex>

#include "protocol/filter/group_plan.h"

namespace binrelay {

struct RuleCount {
  RuleTally tally;
  std::int64_t last_match = 0;  // unix seconds; 0: never
};

class FilterCounters {
 public:
  void add(const std::map<std::uint64_t, RuleTally>& tallies) {
    if (tallies.empty()) return;
    const std::int64_t now = std::time(nullptr);
    const std::lock_guard lock(mutex_);
    for (const auto& [rule, tally] : tallies) {
      RuleCount& count = counts_[rule];
      count.tally.events_passed += tally.events_passed;
      count.tally.bytes_passed += tally.bytes_passed;
      count.tally.events_dropped += tally.events_dropped;
      count.tally.bytes_dropped += tally.bytes_dropped;
      count.last_match = now;
    }
  }
  std::map<std::uint64_t, RuleCount> read() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }

 private:
  mutable std::mutex mutex_;
  std::map<std::uint64_t, RuleCount> counts_;  // by rule id; 0: tables that no rule names
};

}  // namespace binrelay
