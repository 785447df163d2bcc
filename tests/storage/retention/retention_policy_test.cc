#include "storage/retention/retention_policy.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

constexpr std::int64_t kNow = 1'800'000'000;

// Four files of 100 bytes, closed 400, 300, 200 and 100 seconds ago, and one of 50 being written.
RetentionInput four_files() {
  RetentionInput input;
  for (std::uint64_t number = 11; number <= 14; ++number) {
    input.segments.push_back({SegmentNumber{number}, 100, kNow - 400 + static_cast<std::int64_t>(number - 11) * 100});
  }
  input.segments.push_back({SegmentNumber{15}, 50, 0});
  input.now = kNow;
  input.free_bytes = 1000;
  return input;
}

std::uint64_t kept_from(const RetentionRules& rules, const RetentionInput& input) {
  return raw(decide_retention(rules, input).keep_from);
}

TEST(RetentionPolicyTest, WithoutRulesNothingGoes) {
  const RetentionDecision decision = decide_retention({}, four_files());
  EXPECT_EQ(decision.keep_from, SegmentNumber{11});
  EXPECT_EQ(decision.rule, RetentionRule::none);
  EXPECT_EQ(decide_retention({1, 1, 1}, {}).rule, RetentionRule::none) << "an empty log";
}

TEST(RetentionPolicyTest, AFileExpiresByItsLastEvent) {
  EXPECT_EQ(kept_from({.expire_seconds = 401}, four_files()), 11u);
  EXPECT_EQ(kept_from({.expire_seconds = 400}, four_files()), 12u);
  EXPECT_EQ(kept_from({.expire_seconds = 200}, four_files()), 14u);
  EXPECT_EQ(kept_from({.expire_seconds = 1}, four_files()), 15u) << "the newest stays";
}

TEST(RetentionPolicyTest, AYoungFileKeepsThoseBehindIt) {
  RetentionInput input = four_files();
  input.segments[1].closed_at = kNow;
  EXPECT_EQ(kept_from({.expire_seconds = 100}, input), 12u);
}

TEST(RetentionPolicyTest, TheLogIsCutToItsSize) {
  EXPECT_EQ(kept_from({.max_bytes = 450}, four_files()), 11u);
  EXPECT_EQ(kept_from({.max_bytes = 449}, four_files()), 12u);
  EXPECT_EQ(kept_from({.max_bytes = 250}, four_files()), 13u);
  EXPECT_EQ(kept_from({.max_bytes = 1}, four_files()), 15u);
}

TEST(RetentionPolicyTest, TheRuleThatAsksForMoreIsNamed) {
  EXPECT_EQ(decide_retention({.expire_seconds = 300, .max_bytes = 449}, four_files()).rule,
            RetentionRule::expire_seconds);
  EXPECT_EQ(decide_retention({.expire_seconds = 400, .max_bytes = 250}, four_files()).rule, RetentionRule::max_bytes);
}

TEST(RetentionPolicyTest, WaitsForWhatAConsumerNeeds) {
  RetentionInput input = four_files();
  input.needed_from = SegmentNumber{12};
  const RetentionDecision decision = decide_retention({.max_bytes = 50}, input);
  EXPECT_EQ(decision.keep_from, SegmentNumber{12});
  EXPECT_EQ(decision.wanted_from, SegmentNumber{15});
  input.needed_from = SegmentNumber{11};
  EXPECT_EQ(decide_retention({.max_bytes = 50}, input).rule, RetentionRule::none);
  input.needed_from = SegmentNumber{99};  // it has been served from a newer log than this one knows
  EXPECT_EQ(kept_from({.max_bytes = 50}, input), 15u);
}

TEST(RetentionPolicyTest, AFullDiskWaitsForNobody) {
  RetentionInput input = four_files();
  input.needed_from = SegmentNumber{11};
  input.free_bytes = 850;
  const RetentionDecision decision = decide_retention({.min_free_bytes = 1000}, input);
  EXPECT_EQ(decision.keep_from, SegmentNumber{13});
  EXPECT_EQ(decision.rule, RetentionRule::min_free_bytes);
  input.free_bytes = 0;
  EXPECT_EQ(kept_from({.min_free_bytes = 1000}, input), 15u);
  input.free_bytes = std::nullopt;
  EXPECT_EQ(kept_from({.min_free_bytes = 1000}, input), 11u) << "what is not known removes nothing";
}

}  // namespace
}  // namespace binrelay
