#include "protocol/filter/plain_groups.h"

#include <gtest/gtest.h>

#include "protocol/filter/group_rewrite.h"
#include "tests/support/made_groups.h"

namespace binrelay {
namespace {

using made::GroupMaker;
using made::MadeGroup;

struct PlainSetting {
  Flavour flavour = Flavour::mysql;
  ChecksumAlgorithm checksum = ChecksumAlgorithm::crc32;
  bool by_size = false;
};

ByteBuffer stored_bytes(const std::vector<ByteBuffer>& events) {
  ByteBuffer bytes;
  for (const ByteBuffer& event : events) bytes.insert(bytes.end(), event.begin(), event.end());
  return bytes;
}

// Of the tables t0 to t7 some are named; what holds for the others is `others`.
ViewRules some_named(DefaultMonitor others) {
  std::vector<FilterRule> rules;
  for (const FilterRule& rule : made::made_rules()) {
    if (rule.id % 4 == 0) rules.push_back(rule);
  }
  return {std::make_shared<const RuleSet>(std::move(rules), 0, others), std::make_shared<const AllowList>()};
}

class PlainGroupsOf : public testing::TestWithParam<PlainSetting> {};

TEST_P(PlainGroupsOf, GoOutAsTheTwoPassesSay) {
  const auto [flavour, checksum, by_size] = GetParam();
  for (const DefaultMonitor others : {DefaultMonitor::none, DefaultMonitor::all}) {
    const ViewRules rules = some_named(others);
    ViewOptions options;
    options.by_size = by_size;
    PlainGroups plain(flavour, checksum, rules, options);
    GroupMaker maker(flavour, checksum, 11);
    int seen = 0, left_alone = 0;
    for (int i = 0; i < 20'000; ++i) {
      const MadeGroup group = maker.group();
      ByteBuffer stored = stored_bytes(group.events);
      stored.resize(stored.size() + 30);  // more follows
      ByteBuffer out;
      const auto found = plain.next(stored, group.begin, &out);
      if (!found) {
        ++left_alone;
        EXPECT_TRUE(out.empty());
        continue;
      }
      ++seen;
      const auto expected = rewrite_group(group.as_input(checksum), flavour, rules, options);
      ASSERT_TRUE(expected.ok());
      ASSERT_EQ(out, stored_bytes(*expected)) << "group " << i;
      EXPECT_EQ(found->events, expected->size()) << "group " << i;
      EXPECT_EQ(found->stored_size, group.end - group.begin) << "group " << i;
      EXPECT_EQ(found->tally.events_passed + found->tally.events_dropped, group.all_row_events.size()) << "group " << i;
    }
    EXPECT_GT(seen, 1000);
    EXPECT_GT(left_alone, 1000);
  }
}

INSTANTIATE_TEST_SUITE_P(Rewrite, PlainGroupsOf,
                         testing::Values(PlainSetting{}, PlainSetting{Flavour::mysql, ChecksumAlgorithm::none, false},
                                         PlainSetting{Flavour::mysql, ChecksumAlgorithm::crc32, true},
                                         PlainSetting{Flavour::mysql, ChecksumAlgorithm::none, true},
                                         PlainSetting{Flavour::mariadb, ChecksumAlgorithm::crc32, false},
                                         PlainSetting{Flavour::mariadb, ChecksumAlgorithm::none, false}),
                         [](const auto& info) {
                           return std::string(to_text(info.param.flavour)) + to_text(info.param.checksum) +
                                  (info.param.by_size ? "BySize" : "");
                         });

TEST(PlainGroups, MustBeWhole) {
  const ViewRules rules = some_named(DefaultMonitor::none);
  PlainGroups plain(Flavour::mysql, ChecksumAlgorithm::crc32, rules, {});
  GroupMaker maker(Flavour::mysql, ChecksumAlgorithm::crc32, 12);
  for (int whole = 0; whole < 20;) {
    const MadeGroup group = maker.group();
    const ByteBuffer stored = stored_bytes(group.events);
    ByteBuffer out;
    if (!plain.next(stored, group.begin, &out)) continue;
    ++whole;
    for (std::size_t size = 0; size < stored.size(); ++size) {
      out.clear();
      EXPECT_FALSE(plain.next(Bytes(stored).first(size), group.begin, &out)) << size;
      EXPECT_TRUE(out.empty());
    }
  }
}

}  // namespace
}  // namespace binrelay
