#include "protocol/filter/group_rewrite.h"

#include <gtest/gtest.h>

#include <cstdlib>
#include <fstream>

#include "tests/support/made_groups.h"
#include "tests/support/strict_stream.h"

namespace binrelay {
namespace {

using made::GroupMaker;
using made::MadeGroup;
using made::StrictStream;

struct Setting {
  Flavour flavour = Flavour::mysql;
  ChecksumAlgorithm checksum = ChecksumAlgorithm::crc32;
  bool by_size = false;
};

ViewRules made_view() {
  return {std::make_shared<const RuleSet>(made::made_rules(), 0, DefaultMonitor::none),
          std::make_shared<const AllowList>()};
}

std::uint64_t group_count() {
  const char* full = std::getenv("BINRELAY_TEST_FULL");
  return full && *full ? 1'000'000 : 100'000;
}

class MadeTransactions : public testing::TestWithParam<Setting> {};

TEST_P(MadeTransactions, AreWholeBehindTheFilterAndHoldWhatTheRulesLetOut) {
  const Setting setting = GetParam();
  const ViewRules rules = made_view();
  ViewOptions options;
  options.by_size = setting.by_size;
  GroupMaker maker(setting.flavour, setting.checksum, 1);
  StrictStream strict(setting.flavour, setting.checksum);
  const std::uint64_t count = group_count() / 6;
  for (std::uint64_t i = 0; i < count; ++i) {
    const MadeGroup group = maker.group();
    const auto input = group.as_input(setting.checksum);
    const auto output = rewrite_group(input, setting.flavour, rules, options);
    ASSERT_TRUE(output.ok()) << "group " << i << ": " << output.error().context;
    const auto reading = strict.group(*output, setting.by_size, group.begin);
    ASSERT_EQ(reading.complaint, "") << "group " << i;
    ASSERT_EQ(reading.row_events, group.row_events) << "group " << i;
    if (setting.by_size) {
      ASSERT_EQ(reading.bytes, group.end - group.begin) << "group " << i;
    }
    if (group.row_events == group.all_row_events) continue;
    if (i % 16 != 0) continue;
    const auto again = rewrite_group(input, setting.flavour, rules, options);
    ASSERT_EQ(*again, *output) << "group " << i;
  }
}

INSTANTIATE_TEST_SUITE_P(Rewrite, MadeTransactions,
                         testing::Values(Setting{}, Setting{Flavour::mysql, ChecksumAlgorithm::none, false},
                                         Setting{Flavour::mysql, ChecksumAlgorithm::crc32, true},
                                         Setting{Flavour::mysql, ChecksumAlgorithm::none, true},
                                         Setting{Flavour::mariadb, ChecksumAlgorithm::crc32, false},
                                         Setting{Flavour::mariadb, ChecksumAlgorithm::none, false}),
                         [](const auto& info) {
                           return std::string(to_text(info.param.flavour)) + to_text(info.param.checksum) +
                                  (info.param.by_size ? "BySize" : "");
                         });

TEST(MadeTransactions, WithEveryTableMonitoredGoOutByteForByte) {
  const ViewRules rules(std::make_shared<const RuleSet>(std::vector<FilterRule>{}, 0, DefaultMonitor::all),
                        std::make_shared<const AllowList>());
  GroupMaker maker(Flavour::mysql, ChecksumAlgorithm::crc32, 2);
  for (int i = 0; i < 5000; ++i) {
    const MadeGroup group = maker.group();
    EXPECT_EQ(*rewrite_group(group.as_input(ChecksumAlgorithm::crc32), Flavour::mysql, rules, {}), group.events);
  }
}

// Who stops among the events of a payload and comes again with file and position gets it from its begin.
TEST(UnpackedPayload, EndsWithItsLastEventAndNotBefore) {
  const ViewRules rules = made_view();
  GroupMaker maker(Flavour::mysql, ChecksumAlgorithm::crc32, 3);
  int unpacked = 0;
  while (unpacked < 100) {
    const MadeGroup group = maker.group();
    const auto output = rewrite_group(group.as_input(ChecksumAlgorithm::crc32), Flavour::mysql, rules, {});
    if (!group.payload || output->size() == 2) continue;
    ++unpacked;
    const std::uint64_t payload_begin = group.begin + group.events.front().size();
    for (std::size_t i = 1; i < output->size(); ++i) {
      const bool last = i + 1 == output->size();
      EXPECT_EQ(decode_event_header((*output)[i])->log_pos, last ? group.end : payload_begin);
    }
  }
}

}  // namespace
}  // namespace binrelay
