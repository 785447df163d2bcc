#include "relay/filter/recorded_rules.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

LogPosition at(std::uint64_t segment, std::uint64_t offset) { return {SegmentNumber{segment}, offset}; }
RulesRecorded recorded(LogPosition at, bool complete, std::vector<FilterRule> rules) {
  RulesRecorded record;
  record.at = record.scan_from = at;
  record.complete = complete;
  record.rules = std::move(rules);
  return record;
}

struct RecordedRulesTest : ::testing::Test {
  RuleHistory history{DefaultMonitor::none, [] { return 0; }};
};

TEST_F(RecordedRulesTest, AJournalWithoutRulesSaysWhy) {
  EXPECT_EQ(read_recorded_rules({}, &history).records, 0u);
  EXPECT_FALSE(history.report().known);
  EXPECT_FALSE(history.report().reason.empty());
}

TEST_F(RecordedRulesTest, EveryChangeIsAVersionAndMarksAreNone) {
  const auto read = read_recorded_rules(
      {recorded({}, true, {{1, "d", "a", true, false, false}}),
       recorded(at(1, 500), false, {{2, "d", "b", true, false, false}}), recorded(at(2, 4), false, {})},
      &history);
  EXPECT_EQ(read.known_until, at(2, 4));
  EXPECT_EQ(history.report().changes, 2u);
  EXPECT_EQ(history.report().reason, "");
  EXPECT_FALSE(history.at(at(1, 499))->of("d", "b").insert);
  EXPECT_TRUE(history.at(at(1, 500))->of("d", "b").insert);
}

TEST_F(RecordedRulesTest, HowTheFirstRulesWereFoundIsKept) {
  RulesRecorded first = recorded({}, true, {});
  first.note = "read late";
  read_recorded_rules({first}, &history);
  EXPECT_EQ(history.report().reason, "read late");
}

}  // namespace
}  // namespace binrelay
