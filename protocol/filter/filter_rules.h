#pragma once
// FilterRule: a row of the rule table. RuleSet: all rows that hold at one place of the log, and what they say of a
// table. Immutable, any thread. Cost of of(): one hash for exact names, one per name for patterns with an exact half,
// and a walk over the rows whose two names are both patterns.
// Which row counts when several match: both names exact; exact database with a table pattern, the one with most literal
// bytes; database pattern with an exact table; both patterns; then the lowest id.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <unordered_map>
#include <unordered_set>
#include <utility>
#include <vector>

namespace binrelay {

struct FilterRule {
  std::uint64_t id = 0;
  std::string db_name, tb_name;  // names, or patterns: protocol/filter/name_pattern.h
  bool monitor_insert = false, monitor_update = false, monitor_delete = false;
  friend bool operator==(const FilterRule&, const FilterRule&) = default;
};

enum class RowOperation : std::uint8_t { insert, update, remove };

// What holds for the tables that no row names.
enum class DefaultMonitor : std::uint8_t { none, all };

// Which changes of one table go out.
struct TableVerdict {
  bool insert = false, update = false, remove = false;
  std::optional<std::uint64_t> rule{};  // the id of the row that says so; nullopt: no row does

  bool passes(RowOperation operation) const;
  bool any() const { return insert || update || remove; }
  bool all() const { return insert && update && remove; }
  friend bool operator==(const TableVerdict&, const TableVerdict&) = default;
};

class RuleSet {
 public:
  // lower_case_table_names: the source's; other than 0 names compare without regard to case.
  RuleSet(std::vector<FilterRule> rules, int lower_case_table_names, DefaultMonitor default_monitor);

  TableVerdict of(std::string_view database, std::string_view table) const;
  // Some table of it, existing or not, may be monitored.
  bool monitors_in(std::string_view database) const;

  const std::vector<FilterRule>& rules() const { return rules_; }  // by id
  int lower_case_table_names() const { return lower_case_table_names_; }
  DefaultMonitor default_monitor() const { return default_monitor_; }

 private:
  using RuleIndex = std::uint32_t;
  // Names as they are compared; the rows behind them in the order in which they count.
  using Lists = std::unordered_map<std::string, std::vector<RuleIndex>>;

  std::string compared(std::string_view name) const;
  const FilterRule* find(const std::string& database, const std::string& table) const;

  std::vector<FilterRule> rules_;
  std::vector<std::pair<std::string, std::string>> patterns_;  // beside rules_: both names as they are compared
  std::unordered_map<std::string, RuleIndex> exact_;           // database, NUL, table
  Lists of_database_;                                          // exact database, table pattern
  Lists of_table_;                                             // database pattern, exact table
  std::vector<RuleIndex> both_patterns_;
  std::unordered_set<std::string> monitored_databases_;  // exact ones that have a row with a flag
  std::vector<RuleIndex> monitored_database_patterns_;
  int lower_case_table_names_;
  DefaultMonitor default_monitor_;
};

}  // namespace binrelay
