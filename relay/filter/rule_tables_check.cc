#include "relay/filter/rule_tables_check.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <map>
#include <set>

#include "protocol/filter/name_pattern.h"
#include "protocol/sql/quoted_text.h"

namespace binrelay {
namespace {

constexpr std::size_t kNamesAtOnce = 200;   // in one query
constexpr std::size_t kMaxNameBytes = 256;  // no table has a longer name
constexpr std::size_t kWarnings = 20;       // of one version of the rules

Result<bool> any_row(EventSource& source, const std::string& statement) {
  BINRELAY_ASSIGN(const Table answer, source.query(statement));
  return !answer.rows.empty();
}

Result<bool> may_see_all(EventSource& source) {
  return any_row(source,
                 "SELECT 1 AS found FROM information_schema.user_privileges WHERE privilege_type = 'SELECT' LIMIT 1");
}

// A privilege may be given for a pattern of names.
Result<bool> may_see(EventSource& source, const std::string& database) {
  return any_row(source,
                 "SELECT 1 AS found FROM information_schema.schema_privileges WHERE privilege_type = 'SELECT' AND " +
                     hex_literal(database) + " LIKE table_schema LIMIT 1");
}

Result<std::set<std::string>> tables_there(EventSource& source, const std::string& database,
                                           const std::vector<std::string>& names, bool fold) {
  std::set<std::string> there;
  for (std::size_t at = 0; at < names.size(); at += kNamesAtOnce) {
    std::string list;
    for (std::size_t i = at; i < std::min(names.size(), at + kNamesAtOnce); ++i)
      list += (i == at ? "" : ", ") + hex_literal(names[i]);
    BINRELAY_ASSIGN(const Table answer,
                    source.query("SELECT table_name AS name FROM information_schema.tables WHERE table_schema = " +
                                 hex_literal(database) + " AND table_name IN (" + list + ")"));
    for (std::size_t row = 0; row < answer.rows.size(); ++row) {
      const std::string name = answer.at(row, "name").value_or("");
      there.insert(fold ? folded_name(name) : name);
    }
  }
  return there;
}

}  // namespace

void RuleTablesCheck::look(EventSource& source) {
  const std::shared_ptr<const RuleSet> newest = newest_();
  if (!newest) return;
  const bool same = checked_ && (checked_ == newest || checked_->rules() == newest->rules());
  if (same && looks_until_again_ > 0) {
    --looks_until_again_;
    return;
  }
  if (same && unseen().empty()) return;
  looks_until_again_ = kLooksUntilAgain;
  auto found = check(source, *newest);
  if (!found) {
    logger_->debug("filter rules: their tables: {}", found.error().context);
    return;
  }
  if (!same) warn(*found);
  checked_ = newest;
  const std::lock_guard lock(mutex_);
  unseen_ = std::move(*found);
}

std::vector<UnseenRule> RuleTablesCheck::unseen() const {
  const std::lock_guard lock(mutex_);
  return unseen_;
}

Result<std::vector<UnseenRule>> RuleTablesCheck::check(EventSource& source, const RuleSet& rules) const {
  const bool fold = rules.lower_case_table_names() != 0;
  std::map<std::string, std::vector<const FilterRule*>> by_database;
  std::size_t taken = 0;
  for (const FilterRule& rule : rules.rules()) {
    const bool plain = !is_name_pattern(rule.db_name) && !is_name_pattern(rule.tb_name) && !rule.db_name.empty() &&
                       !rule.tb_name.empty() && rule.db_name.size() <= kMaxNameBytes &&
                       rule.tb_name.size() <= kMaxNameBytes;
    if (plain && taken < kMaxChecked) {
      by_database[rule.db_name].push_back(&rule);
      ++taken;
    }
  }
  BINRELAY_ASSIGN(const bool sees_all, may_see_all(source));
  std::vector<UnseenRule> unseen;
  for (const auto& [database, named] : by_database) {
    std::vector<std::string> names;
    for (const FilterRule* rule : named) names.push_back(rule->tb_name);
    BINRELAY_ASSIGN(const std::set<std::string> there, tables_there(source, database, names, fold));
    bool told = sees_all;
    if (!told) {
      BINRELAY_ASSIGN(told, may_see(source, database));
    }
    for (const FilterRule* rule : named) {
      if (there.contains(fold ? folded_name(rule->tb_name) : rule->tb_name)) continue;
      unseen.push_back({rule->id, rule->db_name, rule->tb_name, told});
    }
  }
  std::sort(unseen.begin(), unseen.end(),
            [](const UnseenRule& left, const UnseenRule& right) { return left.id < right.id; });
  return unseen;
}

void RuleTablesCheck::warn(const std::vector<UnseenRule>& unseen) const {
  std::size_t missing = 0;
  for (const UnseenRule& rule : unseen) {
    if (!rule.told || ++missing > kWarnings) continue;
    logger_->warn("filter rules: row {} names {}.{}, and the source has no such table", rule.id, rule.database,
                  rule.table);
  }
  if (missing > kWarnings)
    logger_->warn("filter rules: {} more rows name tables that the source does not have", missing - kWarnings);
}

}  // namespace binrelay
