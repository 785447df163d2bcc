#include "relay/filter/rule_history.h"

#include <algorithm>
#include <utility>

namespace binrelay {
namespace {

void apply(const RuleChange& change, RuleRows* rows) {
  if (change.complete) rows->clear();
  for (const std::uint64_t id : change.removed) rows->erase(id);
  for (const FilterRule& rule : change.rules) rows->insert_or_assign(rule.id, rule);
}

}  // namespace

std::shared_ptr<const RuleSet> RuleHistory::at(LogPosition group_begin) const {
  const std::lock_guard lock(mutex_);
  if (changes_.empty()) return nullptr;
  const auto behind = std::upper_bound(changes_.begin(), changes_.end(), group_begin,
                                       [](LogPosition place, const RuleChange& change) { return place < change.at; });
  if (behind == changes_.begin()) return nullptr;
  return set_of(static_cast<std::size_t>(behind - changes_.begin()) - 1);
}

std::shared_ptr<const RuleSet> RuleHistory::newest() const {
  const std::lock_guard lock(mutex_);
  return changes_.empty() ? nullptr : set_of(changes_.size() - 1);
}

RuleHistory::Report RuleHistory::report() const {
  const auto newest_set = newest();
  const std::lock_guard lock(mutex_);
  return {!changes_.empty(), reason_, newest_set ? newest_set->rules().size() : 0, changes_.size()};
}

std::vector<RuleChange> RuleHistory::changes() const {
  const std::lock_guard lock(mutex_);
  return changes_;
}

void RuleHistory::explain(std::string reason) {
  const std::lock_guard lock(mutex_);
  reason_ = std::move(reason);
}

void RuleHistory::add(RuleChange change) {
  cut(change.at);
  const std::lock_guard lock(mutex_);
  if (changes_.empty()) change.complete = true;
  changes_.push_back(std::move(change));
}

void RuleHistory::cut(LogPosition end) {
  const std::lock_guard lock(mutex_);
  while (!changes_.empty() && changes_.back().at >= end) changes_.pop_back();
  std::erase_if(sets_, [&](const auto& kept) { return kept.first >= changes_.size(); });
  if (walked_to_ > changes_.size()) walked_to_ = 0;
}

RuleRows RuleHistory::rows() const {
  const std::lock_guard lock(mutex_);
  return changes_.empty() ? RuleRows() : rows_of(changes_.size() - 1);
}

RuleRows RuleHistory::rows_of(std::size_t index) const {
  if (walked_to_ == 0 || walked_to_ > index + 1) {
    walked_.clear();
    walked_to_ = 0;
  }
  for (; walked_to_ <= index; ++walked_to_) apply(changes_[walked_to_], &walked_);
  return walked_;
}

std::shared_ptr<const RuleSet> RuleHistory::set_of(std::size_t index) const {
  const int names = lower_case_table_names_();
  for (const auto& [kept, set] : sets_) {
    if (kept == index && set->lower_case_table_names() == names) return set;
  }
  std::vector<FilterRule> rules;
  for (auto& [id, rule] : rows_of(index)) rules.push_back(rule);
  auto set = std::make_shared<const RuleSet>(std::move(rules), names, default_monitor_);
  sets_.emplace_back(index, set);
  if (sets_.size() > kKeptSets) sets_.pop_front();
  return set;
}

}  // namespace binrelay
