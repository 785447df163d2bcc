// Bit for bit what real servers send beside the bytes of their files (recorded from MySQL 9.7.4 and MariaDB 10.11).
#include "protocol/event/event_builder.h"

#include <gtest/gtest.h>

#include "protocol/event/event_checksum.h"
#include "protocol/event/events.h"
#include "tests/support/hex.h"

namespace binrelay {
namespace {

constexpr ServerId kMysql{0x65};
constexpr ServerId kMariadb{0x6f};

TEST(HeartbeatV1, IsWhatMysql97Sends) {
  EXPECT_EQ(hex(build_heartbeat_v1(kMysql, "binlog.000020", 198, ChecksumAlgorithm::crc32)),
            "000000001b6500000024000000c60000000000"
            "62696e6c6f672e303030303230"
            "f477363a");
}

TEST(HeartbeatV2, IsWhatMysql97Sends) {
  EXPECT_EQ(hex(build_heartbeat_v2(kMysql, "binlog.000020", 198, ChecksumAlgorithm::crc32)),
            "0000000029650000002a000000c60000000000"
            "010d62696e6c6f672e303030303230"
            "0201c6"
            "00"
            "321572e5");
}

TEST(HeartbeatV2, SaysPositionsPastFourGigabytes) {
  const std::uint64_t position = 0x010c38902c;
  const ByteBuffer event = build_heartbeat_v2(kMysql, "b.1", position, ChecksumAlgorithm::none);
  EXPECT_EQ(hex(event),
            "0000000029650000002400"
            "0000"
            "2c90380c"
            "0000"
            "0103622e31"
            "0209fe2c90380c01000000"
            "00");
  EXPECT_EQ(decode_event_header(event)->log_pos, 0x0c38902cu);
  EXPECT_EQ(decode_heartbeat(event, ChecksumAlgorithm::none)->position, position);
}

TEST(HeartbeatV1, OfAMariadbFileWithoutChecksumsHasNone) {
  EXPECT_EQ(hex(build_heartbeat_v1(kMariadb, "binlog.000002", 340, ChecksumAlgorithm::none)),
            "000000001b6f00000020000000540100000000"
            "62696e6c6f672e303030303032");
}

TEST(FakeRotate, IsMarkedArtificialAndHasNoPlace) {
  for (const ChecksumAlgorithm checksum : {ChecksumAlgorithm::none, ChecksumAlgorithm::crc32}) {
    const ByteBuffer event = build_fake_rotate(kMysql, "binlog.000003", 4, checksum);
    const EventHeader header = decode_event_header(event).value();
    EXPECT_EQ(header.timestamp, 0u);
    EXPECT_EQ(header.log_pos, 0u);
    EXPECT_EQ(header.flags, kFlagArtificial);
    EXPECT_EQ(header.size, 19 + 8 + 13 + (checksum == ChecksumAlgorithm::crc32 ? 4u : 0u));
    const RotateView rotate = decode_rotate(event, checksum).value();
    EXPECT_EQ(rotate.position, 4u);
    EXPECT_EQ(rotate.file_name, "binlog.000003");
    EXPECT_TRUE(checksum == ChecksumAlgorithm::none || event_checksum_holds(event));
  }
}

TEST(FakeGtidList, TellsWhereSkippedGroupsEnd) {
  const std::vector<MariadbGtid> gtids{{0, 1, 20}, {5, 2, 7}};
  const ByteBuffer event = build_fake_gtid_list(kMariadb, gtids, 1, 1234, ChecksumAlgorithm::crc32);
  const EventHeader header = decode_event_header(event).value();
  EXPECT_EQ(header.flags, kFlagArtificial);
  EXPECT_EQ(header.log_pos, 1234u);
  const MariadbGtidList list = decode_mariadb_gtid_list(event, ChecksumAlgorithm::crc32).value();
  EXPECT_EQ(list.flags, 1);
  EXPECT_EQ(list.gtids, gtids);
  EXPECT_TRUE(event_checksum_holds(event));
  EXPECT_TRUE(decode_mariadb_gtid_list(build_fake_gtid_list(kMariadb, {}, 0, 4, ChecksumAlgorithm::crc32),
                                       ChecksumAlgorithm::crc32)
                  ->gtids.empty());
}

}  // namespace
}  // namespace binrelay
