#pragma once
// RuleHistory: which rules hold at which place of the log.
//
// A change counts from the group that made it on, that group included (an XA transaction's from the group that commits
// it). Guarantee: RuleFollower sees every event before the log does, and tells this history what a group changes before
// the last event of that group is appended: for whatever is visible the rules are known.
//
// Thread: one writes (the upstream thread; before it runs, whoever opens the stream), any reads. Owner: Stream.
// Memory: the changes; a set is built when somebody asks for it, and the last few are kept.
#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <utility>
#include <vector>

#include "protocol/filter/filter_rules.h"
#include "protocol/ids.h"

namespace binrelay {

struct RuleChange {
  LogPosition at;
  bool complete = false;  // `rules` are all there are
  std::vector<FilterRule> rules;
  std::vector<std::uint64_t> removed;
};

using RuleRows = std::map<std::uint64_t, FilterRule>;  // by id

class RuleHistory {
 public:
  static constexpr const char* kNotReadYet = "the relay has not read them yet";

  // `lower_case_table_names`: of the source, as it is known now.
  RuleHistory(DefaultMonitor default_monitor, std::function<int()> lower_case_table_names)
      : default_monitor_(default_monitor), lower_case_table_names_(std::move(lower_case_table_names)) {}

  // nullptr: the rules are not known. Asking for one place after the other costs a search.
  std::shared_ptr<const RuleSet> at(LogPosition group_begin) const;
  std::shared_ptr<const RuleSet> newest() const;

  struct Report {
    bool known = false;
    std::string reason;  // not known: why; known: what is to be said about how, or what is wrong now; "" = nothing
    std::size_t rules = 0, changes = 0;
  };
  Report report() const;
  std::vector<RuleChange> changes() const;

  void explain(std::string reason);
  void add(RuleChange change);  // what stood at or behind its place no longer counts
  void cut(LogPosition end);    // changes at or behind `end`: the log does not have them
  RuleRows rows() const;        // the newest

 private:
  static constexpr std::size_t kKeptSets = 8;
  std::shared_ptr<const RuleSet> set_of(std::size_t index) const;
  RuleRows rows_of(std::size_t index) const;

  const DefaultMonitor default_monitor_;
  const std::function<int()> lower_case_table_names_;
  mutable std::mutex mutex_;
  std::vector<RuleChange> changes_;  // by place; the first is complete
  std::string reason_ = kNotReadYet;
  mutable std::deque<std::pair<std::size_t, std::shared_ptr<const RuleSet>>> sets_;  // by index, latest last
  mutable RuleRows walked_;                                                          // rows as of change walked_to_
  mutable std::size_t walked_to_ = 0;                                                // + 1; 0: none
};

}  // namespace binrelay
