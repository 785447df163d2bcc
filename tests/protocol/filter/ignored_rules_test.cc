#include "protocol/filter/ignored_rules.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

std::vector<std::string> ignored(std::vector<FilterRule> rules, int lower_case_table_names = 0) {
  std::vector<std::string> lines;
  for (const IgnoredRule& rule : ignored_rules(RuleSet(std::move(rules), lower_case_table_names, DefaultMonitor::none)))
    lines.push_back(std::to_string(rule.id) + ": " + rule.why);
  return lines;
}

TEST(IgnoredRules, ARowThatLetsNothingOutCounts) {
  EXPECT_TRUE(ignored({{1, "shop", "orders", false, false, false}, {2, "shop", "*", true, true, true}}).empty());
}

TEST(IgnoredRules, OfRowsWithTheSameNamesTheLowestIdCounts) {
  const std::vector<FilterRule> rules{
      {7, "shop", "o*", true, true, true}, {3, "shop", "o*", true, true, true}, {5, "Shop", "o*", true, true, true}};
  EXPECT_EQ(ignored(rules), std::vector<std::string>({"7: row 3 has the same names"}));
  EXPECT_EQ(ignored(rules, 1),
            std::vector<std::string>({"5: row 3 has the same names", "7: row 3 has the same names"}));
}

TEST(IgnoredRules, NamesThatNoTableHas) {
  EXPECT_EQ(ignored({{1, "", "t", true, true, true},
                     {2, "d", "", true, true, true},
                     {3, "d", std::string(65, 't'), true, true, true},
                     {4, "d", std::string(65, '?'), true, true, true}}),
            std::vector<std::string>(
                {"1: db_name is empty", "2: tb_name is empty", "3: tb_name is longer than a name can be"}));
}

TEST(IgnoredRules, CharactersAreCountedNotBytes) {
  std::string name;
  for (int i = 0; i < 64; ++i) name += "表";
  EXPECT_TRUE(ignored({{1, "d", name, true, true, true}}).empty());
  EXPECT_EQ(ignored({{1, "d", name + "x", true, true, true}}).size(), 1u);
}

}  // namespace
}  // namespace binrelay
