#pragma once
// FilterCounters: what the rules of a stream have let out and held back, over all consumers. Thread: any; one mutex,
// taken once a transaction. Owner: Stream.
#include <cstddef>
#include <cstdint>
#include <ctime>
#include <map>
#include <mutex>

#include "protocol/filter/group_plan.h"

namespace binrelay {

struct RuleCount {
  RuleTally tally;
  std::int64_t last_match = 0;  // unix seconds; 0: never
  std::size_t order = 0;        // how many rules were counted before it
};

// Rules that are counted one by one; what later ones do is added up in `others`.
inline constexpr std::size_t kCountedRules = 100'000;

class FilterCounters {
 public:
  void add(const std::map<std::uint64_t, RuleTally>& tallies) {
    if (tallies.empty()) return;
    const std::int64_t now = std::time(nullptr);
    const std::lock_guard lock(mutex_);
    for (const auto& [rule, tally] : tallies) {
      RuleCount& count = count_of(rule);
      count.tally += tally;
      count.last_match = now;
    }
  }
  void add(std::uint64_t rule, const RuleTally& tally) {
    const std::int64_t now = std::time(nullptr);
    const std::lock_guard lock(mutex_);
    RuleCount& count = count_of(rule);
    count.tally += tally;
    count.last_match = now;
  }
  std::map<std::uint64_t, RuleCount> read() const {
    const std::lock_guard lock(mutex_);
    return counts_;
  }
  RuleCount others() const {
    const std::lock_guard lock(mutex_);
    return others_;
  }

 private:
  RuleCount& count_of(std::uint64_t rule) {
    const auto found = counts_.find(rule);
    if (found != counts_.end()) return found->second;
    if (counts_.size() >= kCountedRules) return others_;
    RuleCount& fresh = counts_[rule];
    fresh.order = counts_.size() - 1;
    return fresh;
  }

  mutable std::mutex mutex_;
  std::map<std::uint64_t, RuleCount> counts_;  // by rule id; 0: tables that no rule names
  RuleCount others_;
};

}  // namespace binrelay
