#include "protocol/filter/filter_rules.h"

#include <gtest/gtest.h>

#include "protocol/filter/name_pattern.h"

namespace binrelay {
namespace {

FilterRule all_of(std::uint64_t id, std::string database, std::string table) {
  return {id, std::move(database), std::move(table), true, true, true};
}

RuleSet rules(std::vector<FilterRule> rows, int lower_case_table_names = 0) {
  return RuleSet(std::move(rows), lower_case_table_names, DefaultMonitor::none);
}

std::optional<std::uint64_t> rule_of(const RuleSet& set, std::string_view database, std::string_view table) {
  return set.of(database, table).rule;
}

TEST(NamePattern, StarTakesAnyAndQuestionMarkOneCharacter) {
  EXPECT_TRUE(name_matches("blog_*", "blog_"));
  EXPECT_TRUE(name_matches("blog_*", "blog_article"));
  EXPECT_FALSE(name_matches("blog_*", "blog"));
  EXPECT_TRUE(name_matches("*article*", "blog_article_2"));
  EXPECT_TRUE(name_matches("a?c", "abc"));
  EXPECT_TRUE(name_matches("a?c",
                           "a\xe4\xb8\xad"
                           "c"));
  EXPECT_FALSE(name_matches("a?c", "ac"));
  EXPECT_TRUE(name_matches("*", ""));
  EXPECT_FALSE(name_matches("", "a"));
  EXPECT_TRUE(name_matches("*a*b?", "xxaxxbxby"));
  EXPECT_FALSE(name_matches("*a*b?", "xxaxxbxb"));
}

TEST(NamePattern, CapitalLettersFold) {
  EXPECT_EQ(folded_name("Blog_Ä"), "blog_ä");
  EXPECT_EQ(folded_name("ЖУРНАЛ ΩΣ Š"), "журнал ωσ š");
  EXPECT_EQ(folded_name("表×÷"), "表×÷");
  EXPECT_EQ(folded_name("broken\xc3"), "broken\xc3");
}

TEST(RuleSet, ATableWithoutARowIsNotMonitored) {
  const RuleSet set = rules({all_of(2, "blog", "article")});
  EXPECT_TRUE(set.of("blog", "article").all());
  EXPECT_EQ(set.of("blog", "comment"), TableVerdict{});
  EXPECT_EQ(set.of("blo", "garticle"), TableVerdict{});
}

TEST(RuleSet, ByDefaultAllPassesWhatNoRowNames) {
  const RuleSet set({{1, "blog", "article", true, false, false}}, 0, DefaultMonitor::all);
  EXPECT_EQ(set.of("blog", "comment"), (TableVerdict{true, true, true, std::nullopt}));
  EXPECT_EQ(set.of("blog", "article"), (TableVerdict{true, false, false, 1}));
}

TEST(RuleSet, EachFlagIsOneOperation) {
  for (int flags = 0; flags < 8; ++flags) {
    const bool insert = (flags & 1) != 0, update = (flags & 2) != 0, remove = (flags & 4) != 0;
    const TableVerdict verdict = rules({{1, "d", "t", insert, update, remove}}).of("d", "t");
    EXPECT_EQ(verdict.passes(RowOperation::insert), insert);
    EXPECT_EQ(verdict.passes(RowOperation::update), update);
    EXPECT_EQ(verdict.passes(RowOperation::remove), remove);
    EXPECT_EQ(verdict.any(), flags != 0);
  }
}

TEST(RuleSet, TheMoreExactRowCounts) {
  const std::vector<FilterRule> rows = {
      all_of(1, "*", "*"),     all_of(2, "*", "article"),  all_of(3, "blog", "*"),
      all_of(4, "blog", "a*"), all_of(5, "blog", "ar*e"),  all_of(6, "blog", "article"),
      all_of(7, "b*", "t*"),   all_of(8, "blog", "arti?"), all_of(9, "bl*", "article")};
  const RuleSet set = rules(rows);
  EXPECT_EQ(rule_of(set, "blog", "article"), 6u);
  EXPECT_EQ(rule_of(set, "blog", "arcade"), 5u);
  EXPECT_EQ(rule_of(set, "blog", "artix"), 8u);
  EXPECT_EQ(rule_of(set, "blog", "a"), 4u);
  EXPECT_EQ(rule_of(set, "blog", "tag"), 3u);
  EXPECT_EQ(rule_of(set, "blob", "article"), 2u);
  EXPECT_EQ(rule_of(set, "blob", "tag"), 1u);
}

TEST(RuleSet, OfEqualRowsTheLowestIdCountsWhateverTheirOrder) {
  const RuleSet set = rules({all_of(9, "blog", "t"),
                             {3, "blog", "t", false, false, false},
                             all_of(8, "?log", "x*"),
                             {7, "*og", "x*", true, false, false}});
  EXPECT_EQ(set.of("blog", "t"), (TableVerdict{false, false, false, 3}));
  EXPECT_EQ(rule_of(set, "blog", "x1"), 7u);
}

TEST(RuleSet, NamesCompareAsTheSourceSays) {
  EXPECT_EQ(rule_of(rules({all_of(1, "Blog", "Article")}, 0), "blog", "article"), std::nullopt);
  EXPECT_EQ(rule_of(rules({all_of(1, "Blog", "Article")}, 1), "blog", "article"), 1u);
  EXPECT_EQ(rule_of(rules({all_of(1, "Blog", "A*")}, 2), "BLOG", "aRTICLE"), 1u);
}

TEST(RuleSet, ADatabaseIsMonitoredWhenSomeRowOfItIs) {
  const RuleSet set =
      rules({all_of(1, "blog", "t*"), all_of(2, "shop_*", "x"), {3, "quiet", "*", false, false, false}});
  EXPECT_TRUE(set.monitors_in("blog"));
  EXPECT_TRUE(set.monitors_in("shop_eu"));
  EXPECT_FALSE(set.monitors_in("quiet"));
  EXPECT_FALSE(set.monitors_in("other"));
}

TEST(RuleSet, AHundredThousandRowsAreFoundByHash) {
  std::vector<FilterRule> rows;
  for (std::uint64_t i = 0; i < 100'000; ++i)
    rows.push_back(all_of(i, "db" + std::to_string(i % 100), "t" + std::to_string(i)));
  const RuleSet set = rules(std::move(rows));
  for (std::uint64_t i = 0; i < 100'000; ++i)
    ASSERT_EQ(rule_of(set, "db" + std::to_string(i % 100), "t" + std::to_string(i)), i);
}

}  // namespace
}  // namespace binrelay
