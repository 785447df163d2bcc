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

// For consumers that cannot read payloads. `judges`: the account has a view besides.
void expect_unpacked(ChecksumAlgorithm checksum, bool by_size, bool judges) {
  const ViewRules rules = made_view();
  ViewOptions options;
  options.by_size = by_size;
  options.judges = judges;
  options.unpack_payloads = true;
  GroupMaker maker(Flavour::mysql, checksum, 3);
  StrictStream strict(Flavour::mysql, checksum);
  int payloads = 0;
  for (int i = 0; i < 1500; ++i) {
    const MadeGroup group = maker.group();
    const auto input = group.as_input(checksum);
    const auto output = rewrite_group(input, Flavour::mysql, rules, options);
    ASSERT_TRUE(output.ok()) << "group " << i << ": " << output.error().context;
    const auto reading = strict.group(*output, by_size && !group.payload, group.begin);
    ASSERT_EQ(reading.complaint, "") << "group " << i;
    ASSERT_EQ(reading.row_events, judges ? group.row_events : group.all_row_events) << "group " << i;
    if (!judges && !group.payload) {
      ASSERT_EQ(*output, group.events) << "group " << i;
    }
    if (!group.payload) continue;
    ++payloads;
    const GroupEvent& payload = input.back();
    for (std::size_t n = 1; n < output->size(); ++n) {
      const auto header = decode_event_header((*output)[n]);
      ASSERT_NE(header->type, EventType::transaction_payload);
      // Who stops within begins again with the first of them.
      const bool last = n + 1 == output->size();
      ASSERT_EQ(header->log_pos, last ? payload.header.log_pos : payload.offset) << "group " << i << ", event " << n;
    }
  }
  EXPECT_GT(payloads, 100);
}

TEST(UnpackedPayloads, AreTheEventsInsideWithSizesChecksumsAndPlacesOfTheirOwn) {
  for (const bool by_size : {false, true}) {
    expect_unpacked(ChecksumAlgorithm::crc32, by_size, false);
    expect_unpacked(ChecksumAlgorithm::none, by_size, false);
  }
}

TEST(UnpackedPayloads, ObeyTheRules) {
  for (const bool by_size : {false, true}) expect_unpacked(ChecksumAlgorithm::crc32, by_size, true);
}

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
