#include "protocol/filter/filter_rules.h"

#include <algorithm>

#include "protocol/filter/name_pattern.h"

namespace binrelay {
namespace {

std::string exact_key(const std::string& database, const std::string& table) {
  std::string key;
  key.reserve(database.size() + 1 + table.size());
  return key.append(database).append(1, '\0').append(table);
}

bool monitors_something(const FilterRule& rule) {
  return rule.monitor_insert || rule.monitor_update || rule.monitor_delete;
}

}  // namespace

bool TableVerdict::passes(RowOperation operation) const {
  switch (operation) {
    case RowOperation::insert:
      return insert;
    case RowOperation::update:
      return update;
    case RowOperation::remove:
      return remove;
  }
  return false;
}

RuleSet::RuleSet(std::vector<FilterRule> rules, int lower_case_table_names, DefaultMonitor default_monitor)
    : rules_(std::move(rules)), lower_case_table_names_(lower_case_table_names), default_monitor_(default_monitor) {
  std::stable_sort(rules_.begin(), rules_.end(),
                   [](const FilterRule& left, const FilterRule& right) { return left.id < right.id; });
  patterns_.reserve(rules_.size());
  for (RuleIndex i = 0; i < rules_.size(); ++i) {  // by id: the first to come is the one that counts
    const auto& [database, table] = patterns_.emplace_back(compared(rules_[i].db_name), compared(rules_[i].tb_name));
    const bool any_database = is_name_pattern(database), any_table = is_name_pattern(table);
    if (!any_database && !any_table) exact_.emplace(exact_key(database, table), i);
    if (!any_database && any_table) of_database_[database].push_back(i);
    if (any_database && !any_table) of_table_[table].push_back(i);
    if (any_database && any_table) both_patterns_.push_back(i);
    if (!monitors_something(rules_[i])) continue;
    if (any_database) {
      monitored_database_patterns_.push_back(i);
    } else {
      monitored_databases_.insert(database);
    }
  }
  for (auto& [database, list] : of_database_) {
    std::stable_sort(list.begin(), list.end(), [&](RuleIndex left, RuleIndex right) {
      return literal_length(patterns_[left].second) > literal_length(patterns_[right].second);
    });
  }
}

std::string RuleSet::compared(std::string_view name) const {
  return lower_case_table_names_ == 0 ? std::string(name) : folded_name(name);
}

const FilterRule* RuleSet::find(const std::string& database, const std::string& table) const {
  const auto exact = exact_.find(exact_key(database, table));
  if (exact != exact_.end()) return &rules_[exact->second];
  const auto first_of = [&](const std::vector<RuleIndex>& list) -> const FilterRule* {
    for (const RuleIndex i : list) {
      if (name_matches(patterns_[i].first, database) && name_matches(patterns_[i].second, table)) return &rules_[i];
    }
    return nullptr;
  };
  const auto first_in = [&](const Lists& lists, const std::string& name) -> const FilterRule* {
    const auto list = lists.find(name);
    return list == lists.end() ? nullptr : first_of(list->second);
  };
  if (const FilterRule* rule = first_in(of_database_, database)) return rule;
  if (const FilterRule* rule = first_in(of_table_, table)) return rule;
  return first_of(both_patterns_);
}

TableVerdict RuleSet::of(std::string_view database, std::string_view table) const {
  const FilterRule* rule = find(compared(database), compared(table));
  if (rule) return {rule->monitor_insert, rule->monitor_update, rule->monitor_delete, rule->id};
  const bool passes = default_monitor_ == DefaultMonitor::all;
  return {passes, passes, passes, std::nullopt};
}

bool RuleSet::monitors_in(std::string_view database) const {
  if (default_monitor_ == DefaultMonitor::all) return true;
  const std::string name = compared(database);
  if (monitored_databases_.contains(name)) return true;
  return std::any_of(monitored_database_patterns_.begin(), monitored_database_patterns_.end(),
                     [&](RuleIndex i) { return name_matches(patterns_[i].first, name); });
}

}  // namespace binrelay
