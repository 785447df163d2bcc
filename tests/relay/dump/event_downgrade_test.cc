#include "relay/dump/event_downgrade.h"

#include <gtest/gtest.h>

#include "protocol/event/event_checksum.h"
#include "protocol/event/events.h"
#include "tests/golden/golden_samples.h"

namespace binrelay {
namespace {

constexpr int kMysqlClient = 0;

// Every event of a real server's file as a client of that capability gets it.
struct Served {
  golden::PlacedEvent original;
  Downgrade downgrade;
};
std::vector<Served> serve(const golden::Sample& sample, int capability, bool annotate) {
  std::vector<Served> served;
  for (const auto& event : sample.events()) {
    served.push_back({event, downgrade_for_capability(event.bytes, capability, sample.format().checksum, annotate)});
  }
  return served;
}

std::string text_of(const ByteBuffer& event, ChecksumAlgorithm checksum) {
  return std::string(decode_query(event, checksum).value().text);
}

class EventDowngrade : public testing::TestWithParam<const char*> {
 protected:
  const golden::Sample sample_ = golden::load(GetParam());
  const ChecksumAlgorithm checksum_ = sample_.format().checksum;
};

TEST_P(EventDowngrade, LeavesEverythingToAClientThatKnowsGtids) {
  for (const auto& [original, downgrade] : serve(sample_, kCapabilityGtid, true)) {
    EXPECT_TRUE(std::holds_alternative<SendAsIs>(downgrade)) << original.offset;
  }
}

TEST_P(EventDowngrade, KeepsEverySizeForAClientThatKnowsNothing) {
  int replaced = 0;
  for (const auto& [original, downgrade] : serve(sample_, kMysqlClient, false)) {
    ASSERT_FALSE(std::holds_alternative<LeaveOut>(downgrade)) << original.offset;
    const auto* other = std::get_if<ByteBuffer>(&downgrade);
    if (!other) continue;
    ++replaced;
    const auto header = decode_event_header(*other).value();
    EXPECT_EQ(other->size(), original.bytes.size());
    EXPECT_EQ(header.size, original.header.size);
    EXPECT_EQ(header.log_pos, original.header.log_pos);
    EXPECT_EQ(header.flags & 0x8, 0x8);
    EXPECT_TRUE(header.type == EventType::query || header.type == EventType::user_var);
    if (checksum_ == ChecksumAlgorithm::crc32) {
      EXPECT_TRUE(event_checksum_holds(*other));
    }
  }
  EXPECT_GT(replaced, 0);
}

TEST_P(EventDowngrade, OpensTransactionsWithBegin) {
  for (const auto& [original, downgrade] : serve(sample_, kMysqlClient, true)) {
    if (original.header.type != EventType::mariadb_gtid) continue;
    const auto gtid = decode_mariadb_gtid(original.bytes, checksum_).value();
    const auto& query = std::get<ByteBuffer>(downgrade);
    if (gtid.flags & MariadbGtidEvent::kStandalone) {
      EXPECT_EQ(text_of(query, checksum_).front(), '#');
    } else {
      EXPECT_EQ(text_of(query, checksum_), "BEGIN");
    }
  }
}

TEST_P(EventDowngrade, LeavesHolesForAClientThatToleratesThem) {
  for (const auto& [original, downgrade] : serve(sample_, kCapabilityBinlogCheckpoint, false)) {
    switch (original.header.type) {
      case EventType::mariadb_gtid_list:
      case EventType::mariadb_annotate_rows:
        EXPECT_TRUE(std::holds_alternative<LeaveOut>(downgrade));
        break;
      case EventType::mariadb_gtid: {
        const auto gtid = decode_mariadb_gtid(original.bytes, checksum_).value();
        EXPECT_EQ(std::holds_alternative<LeaveOut>(downgrade), (gtid.flags & MariadbGtidEvent::kStandalone) != 0);
        break;
      }
      default:
        EXPECT_TRUE(std::holds_alternative<SendAsIs>(downgrade)) << original.offset;
    }
  }
}

INSTANTIATE_TEST_SUITE_P(RealFiles, EventDowngrade,
                         testing::Values("mariadb-10.11-row", "mariadb-10.11-group-commit", "mariadb-10.11-no-checksum",
                                         "mariadb-10.11-statement", "mariadb-11.8-row"));

TEST(EventDowngradeOfOneEvent, SendsAnnotationsToAClientThatKnowsThem) {
  const golden::Sample sample = golden::load("mariadb-10.11-row");
  for (const auto& event : sample.events()) {
    if (event.header.type != EventType::mariadb_annotate_rows) continue;
    EXPECT_TRUE(std::holds_alternative<SendAsIs>(
        downgrade_for_capability(event.bytes, kCapabilityAnnotate, ChecksumAlgorithm::crc32, false)));
  }
}

TEST(EventDowngradeOfOneEvent, DoesNotReadPastAShortEvent) {
  const golden::Sample sample = golden::load("mariadb-10.11-row");
  for (const auto& event : sample.events()) {
    for (std::size_t size = 0; size < event.bytes.size(); ++size) {
      const auto downgrade =
          downgrade_for_capability(event.bytes.first(size), kMysqlClient, ChecksumAlgorithm::crc32, false);
      if (const auto* other = std::get_if<ByteBuffer>(&downgrade)) {
        EXPECT_EQ(other->size(), size);
      }
    }
  }
}

}  // namespace
}  // namespace binrelay
