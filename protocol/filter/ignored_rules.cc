#include "protocol/filter/ignored_rules.h"

#include <algorithm>
#include <unordered_map>

#include "protocol/filter/name_pattern.h"

namespace binrelay {
namespace {

constexpr std::size_t kMaxNameCharacters = 64;  // of databases and tables, in both families

std::size_t characters_in(std::string_view text) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (static_cast<unsigned char>(c) & 0xc0) != 0x80; }));
}

// "" when a database or a table may have this name.
std::string wrong_with(const char* column, const std::string& name) {
  if (name.empty()) return std::string(column) + " is empty";
  if (!is_name_pattern(name) && characters_in(name) > kMaxNameCharacters)
    return std::string(column) + " is longer than a name can be";
  return "";
}

}  // namespace

std::vector<IgnoredRule> ignored_rules(const RuleSet& rules) {
  std::vector<IgnoredRule> ignored;
  std::unordered_map<std::string, std::uint64_t> first_of_names;
  const bool fold = rules.lower_case_table_names() != 0;
  for (const FilterRule& rule : rules.rules()) {
    std::string why = wrong_with("db_name", rule.db_name);
    if (why.empty()) why = wrong_with("tb_name", rule.tb_name);
    if (!why.empty()) {
      ignored.push_back({rule.id, std::move(why)});
      continue;
    }
    const std::string names = rule.db_name + '\0' + rule.tb_name;
    const auto [first, is_new] = first_of_names.emplace(fold ? folded_name(names) : names, rule.id);
    if (!is_new) ignored.push_back({rule.id, "row " + std::to_string(first->second) + " has the same names"});
  }
  return ignored;
}

}  // namespace binrelay
