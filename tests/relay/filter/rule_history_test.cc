#include "relay/filter/rule_history.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

FilterRule rule(std::uint64_t id, const std::string& table) { return {id, "d", table, true, false, false}; }
LogPosition place_at(std::uint64_t segment, std::uint64_t offset) { return {SegmentNumber{segment}, offset}; }

struct RuleHistoryTest : ::testing::Test {
  RuleHistory history{DefaultMonitor::none, [] { return 0; }};
  bool monitors(LogPosition place, const std::string& table) {
    const auto rules = history.at(place);
    return rules && rules->of("d", table).insert;
  }
};

TEST_F(RuleHistoryTest, KnowsNothingBeforeItIsTold) {
  EXPECT_EQ(history.at(place_at(1, 4)), nullptr);
  EXPECT_EQ(history.newest(), nullptr);
  EXPECT_FALSE(history.report().known);
}

TEST_F(RuleHistoryTest, AChangeHoldsFromItsGroupOnAndNotBefore) {
  history.add({{}, true, {rule(1, "a")}, {}});
  history.add({place_at(1, 500), false, {rule(2, "b")}, {1}});
  EXPECT_TRUE(monitors(place_at(1, 499), "a"));
  EXPECT_FALSE(monitors(place_at(1, 499), "b"));
  EXPECT_FALSE(monitors(place_at(1, 500), "a"));
  EXPECT_TRUE(monitors(place_at(1, 500), "b"));
  EXPECT_TRUE(monitors(place_at(2, 4), "b"));
  EXPECT_EQ(history.newest(), history.at(place_at(9, 4)));
}

TEST_F(RuleHistoryTest, AWalkBackFindsWhatHeldThere) {
  history.add({{}, true, {}, {}});
  for (std::uint64_t i = 1; i <= 50; ++i)
    history.add({place_at(1, 100 * i), false, {rule(i, "t" + std::to_string(i))}, {}});
  for (std::uint64_t i = 50; i >= 1; --i) {
    EXPECT_TRUE(monitors(place_at(1, 100 * i), "t" + std::to_string(i)));
    EXPECT_FALSE(monitors(place_at(1, 100 * i - 1), "t" + std::to_string(i)));
  }
}

TEST_F(RuleHistoryTest, WhatTheLogLostNoLongerCounts) {
  history.add({{}, true, {rule(1, "a")}, {}});
  history.add({place_at(1, 500), false, {rule(2, "b")}, {}});
  EXPECT_TRUE(monitors(place_at(1, 600), "b"));
  history.cut(place_at(1, 500));
  EXPECT_FALSE(monitors(place_at(1, 600), "b"));
  history.add({place_at(1, 550), false, {rule(3, "c")}, {}});
  EXPECT_TRUE(monitors(place_at(1, 600), "c"));
  EXPECT_EQ(history.rows().size(), 2u);
}

}  // namespace
}  // namespace binrelay
