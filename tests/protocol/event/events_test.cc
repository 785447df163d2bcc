// Bodies that no sample holds, and what every decoder must refuse. What real servers write is in golden_test.cc.
#include "protocol/event/events.h"

#include <gtest/gtest.h>

#include <cstring>

#include "protocol/event/mariadb_compression.h"
#include "protocol/limits.h"
#include "protocol/wire/mysql_varint.h"
#include "tests/golden/golden_samples.h"
#include "tests/protocol/event/made_events.h"

namespace binrelay {
namespace {

constexpr auto kCrc = ChecksumAlgorithm::crc32;
constexpr auto kNone = ChecksumAlgorithm::none;

TEST(EventHeader, RefusesSizesNoEventHas) {
  ByteBuffer event = made::event(EventType::stop, {});
  const auto with_size = [&](std::uint32_t size) {
    std::memcpy(event.data() + 9, &size, sizeof size);
    return decode_event_header(event);
  };
  EXPECT_EQ(with_size(18).error().code, Errc::malformed);
  EXPECT_EQ(with_size(static_cast<std::uint32_t>(kMaxEventSize) + 1).error().code, Errc::limit);
  EXPECT_TRUE(with_size(19).ok());
  EXPECT_EQ(decode_event_header(Bytes(event).first(18)).error().code, Errc::short_input);
}

TEST(EventBody, IsWhatHeaderAndChecksumLeave) {
  const ByteBuffer event = made::event(EventType::rows_query, as_bytes("body"));
  EXPECT_EQ(as_text(event_body(event, kCrc).value()), "body");
  EXPECT_EQ(event_body(event, kNone)->size(), 8u);
  EXPECT_FALSE(event_body(Bytes(event).first(event.size() - 1), kCrc).ok()) << "the header promises one byte more";
  EXPECT_FALSE(event_body(made::event(EventType::stop, {}, kNone), kCrc).ok()) << "no room for a checksum";
}

class FormatDescriptionOfMysql : public testing::Test {
 protected:
  static constexpr std::size_t kBody = kEventHeaderSize;
  const golden::Sample sample_ = golden::load("mysql-9.7-row");
  ByteBuffer event_{sample_.events().front().bytes.begin(), sample_.events().front().bytes.end()};

  Errc refused_for() const { return decode_format_description(event_).error().code; }
};

TEST_F(FormatDescriptionOfMysql, TellsTheChecksumOfTheFile) {
  EXPECT_EQ(decode_format_description(event_)->checksum, kCrc);
  event_[event_.size() - 5] = std::byte{0};
  EXPECT_EQ(decode_format_description(event_)->checksum, kNone);
  event_[event_.size() - 5] = std::byte{2};
  EXPECT_EQ(refused_for(), Errc::unsupported);
}

TEST_F(FormatDescriptionOfMysql, FindsMariadbInAnyCase) {
  EXPECT_EQ(decode_format_description(event_)->flavour, Flavour::mysql);
  std::memcpy(event_.data() + kBody + 2, "10.11.19-MARIAdb", 17);
  EXPECT_EQ(decode_format_description(event_)->flavour, Flavour::mariadb);
  EXPECT_EQ(decode_format_description(event_)->server_version, "10.11.19-MARIAdb");
}

TEST_F(FormatDescriptionOfMysql, RefusesOtherFormats) {
  event_[kBody] = std::byte{3};
  EXPECT_EQ(refused_for(), Errc::unsupported);
  event_[kBody] = std::byte{4};
  event_[kBody + 56] = std::byte{27};  // header length
  EXPECT_EQ(refused_for(), Errc::unsupported);
  event_[kBody + 56] = std::byte{19};
  event_[kBody + 57 + 19 - 1] = std::byte{6};  // TABLE_MAP with table ids of 32 bits
  EXPECT_EQ(refused_for(), Errc::unsupported);
}

TEST_F(FormatDescriptionOfMysql, RefusesToBeCutShort) {
  for (std::uint32_t size = kEventHeaderSize; size < kEventHeaderSize + 57 + 19 + 5; ++size) {
    ByteBuffer cut(event_.begin(), event_.begin() + size);
    std::memcpy(cut.data() + 9, &size, sizeof size);
    EXPECT_FALSE(decode_format_description(cut).ok()) << size;
  }
}

TEST(MysqlGtidEvent, GrewOverTheVersions) {
  ByteWriter body;
  body.u8(1).zeros(16).u64(5);
  const auto decoded = [&] { return decode_mysql_gtid(made::event(EventType::gtid, body.view()), kCrc); };
  EXPECT_EQ(decoded()->gtid.number, 5u) << "MySQL 5.6";
  body.u8(2).u64(10).u64(11);
  EXPECT_EQ(decoded()->sequence_number, 11) << "MySQL 5.7";
  EXPECT_EQ(decoded()->transaction_length, 0u);
  constexpr std::uint64_t kCommit = 1'700'000'000'000'000, kHasOriginal = 1ull << 55;
  ByteWriter stamp;
  stamp.u64(kCommit | kHasOriginal);
  body.bytes(stamp.view().first(7));
  ByteWriter original;
  original.u64(kCommit - 1);
  body.bytes(original.view().first(7));
  EXPECT_EQ(decoded()->immediate_commit_us, kCommit) << "MySQL 8.0.1";
  EXPECT_EQ(decoded()->original_commit_us, kCommit - 1);
  body.length_encoded(70000);
  EXPECT_EQ(decoded()->transaction_length, 70000u) << "MySQL 8.0.2";
  body.u32(80036).zeros(16);
  EXPECT_TRUE(decoded().ok()) << "whatever comes next";
}

TEST(MysqlGtidEvent, RefusesNumbersNoServerHandsOut) {
  for (const std::uint64_t number : {0ull, kMaxGtidNumber + 1ull, ~0ull}) {
    EXPECT_FALSE(decode_mysql_gtid(made::event(EventType::gtid, made::mysql_gtid_body(number)), kCrc).ok()) << number;
  }
}

// One message: version, size, last id that must be known, fields.
class TaggedGtid : public testing::Test {
 protected:
  ByteWriter fields_;
  std::uint64_t last_needed_ = 0;

  void field(std::uint64_t id, std::uint64_t value) {
    write_mysql_varint(fields_, id);
    write_mysql_varint(fields_, value);
  }
  void uuid_field() {
    write_mysql_varint(fields_, 1);
    for (std::uint64_t byte = 0xf0; byte <= 0xff; ++byte) write_mysql_varint(fields_, byte);
  }
  void tag_field(std::string_view tag) {
    field(3, tag.size());
    fields_.text(tag);
  }
  Result<MysqlGtidEvent> decoded(int wrong_by = 0) const {
    const int size = static_cast<int>(fields_.size()) + 3;
    const int with_long_size = size < 128 ? size : size + 1;
    ByteWriter body;
    write_mysql_varint(body, 1);
    write_mysql_varint(body, static_cast<std::uint64_t>(with_long_size + wrong_by));
    write_mysql_varint(body, last_needed_);
    body.bytes(fields_.view());
    return decode_mysql_gtid(made::event(EventType::gtid_tagged, body.view()), kCrc);
  }
};

TEST_F(TaggedGtid, ReadsEveryField) {
  field(0, 1);
  uuid_field();
  field(2, zigzag_encoded(9));
  tag_field("some_tag");
  field(4, zigzag_encoded(3));
  field(5, zigzag_encoded(4));
  field(6, 1'700'000'000'000'000);
  field(8, 330);
  field(9, 90704);
  field(11, 1);
  const auto event = decoded();
  ASSERT_TRUE(event.ok()) << event.error().context;
  EXPECT_EQ(to_text(event->gtid), "f0f1f2f3-f4f5-f6f7-f8f9-fafbfcfdfeff:some_tag:9");
  EXPECT_EQ(event->last_committed, 3);
  EXPECT_EQ(event->sequence_number, 4);
  EXPECT_EQ(event->original_commit_us, event->immediate_commit_us) << "absent means equal";
  EXPECT_EQ(event->transaction_length, 330u);
}

TEST_F(TaggedGtid, IgnoresFieldsOfLaterVersionsUnlessTheyMustBeKnown) {
  field(2, zigzag_encoded(9));
  field(12, 77);
  EXPECT_TRUE(decoded().ok());
  last_needed_ = 12;
  EXPECT_EQ(decoded().error().code, Errc::unsupported);
}

TEST_F(TaggedGtid, RefusesAWrongMessageSize) {
  field(2, zigzag_encoded(9));
  EXPECT_TRUE(decoded().ok());
  EXPECT_FALSE(decoded(1).ok());
  EXPECT_FALSE(decoded(-1).ok());
}

TEST_F(TaggedGtid, RefusesFieldsOutOfOrder) {
  field(2, zigzag_encoded(9));
  field(0, 1);
  EXPECT_FALSE(decoded().ok());
}

TEST_F(TaggedGtid, RefusesATagNoServerTakes) {
  field(2, zigzag_encoded(9));
  tag_field("no-tag");
  EXPECT_FALSE(decoded().ok());
}

TEST(MariadbGtidEvent, ReadsCommitIdAndXaId) {
  ByteWriter body;
  body.u64(9).u32(5).u8(MariadbGtidEvent::kGroupCommitId | MariadbGtidEvent::kPreparedXa).u64(31);
  body.u32(7).u8(2).u8(1).text("abc");
  const auto event = decode_mariadb_gtid(made::event(EventType::mariadb_gtid, body.view()), kCrc);
  ASSERT_TRUE(event.ok());
  EXPECT_EQ(to_text(event->gtid), "5-101-9") << "the server is the header's";
  EXPECT_EQ(event->commit_id, 31u);
  EXPECT_EQ(event->xa_id, "X'6162',X'63',7");
  EXPECT_FALSE(decode_mariadb_gtid(made::event(EventType::mariadb_gtid, body.view().first(18)), kCrc).ok());
}

TEST(MariadbGtidList, RefusesACountThatItsSizeBelies) {
  ByteWriter body;
  body.u32(2).zeros(16);
  EXPECT_FALSE(decode_mariadb_gtid_list(made::event(EventType::mariadb_gtid_list, body.view()), kCrc).ok());
  ByteWriter huge;
  huge.u32(0x0fffffff).zeros(16);
  EXPECT_EQ(decode_mariadb_gtid_list(made::event(EventType::mariadb_gtid_list, huge.view()), kCrc).error().code,
            Errc::limit);
}

TEST(QueryEvent, RefusesADatabaseNameThatDoesNotEnd) {
  ByteWriter body;
  body.u32(0).u32(0).u8(2).u16(0).u16(0).text("dbxDROP");
  EXPECT_EQ(decode_query(made::event(EventType::query, body.view()), kCrc).error().code, Errc::malformed);
}

TEST(QueryEvent, GivesItsStatusVariablesUnread) {
  ByteWriter body;
  body.u32(8).u32(2).u8(1).u16(1062).u16(3).text("abc").nul_terminated_text("d").text("SELECT 1");
  const ByteBuffer event = made::event(EventType::query, body.view());
  const QueryView query = decode_query(event, kCrc).value();
  EXPECT_EQ(as_text(query.status_variables), "abc");
  EXPECT_EQ(query.error_code, 1062);
  EXPECT_EQ(query.database, "d");
  EXPECT_EQ(query.text, "SELECT 1");
}

TEST(TransactionPayload, ReadsItsFieldsInAnyOrderAndSkipsNewOnes) {
  ByteWriter body;
  body.u8(9).u8(2).text("??").u8(3).u8(1).u8(200).u8(1).u8(1).u8(4).u8(2).u8(1).u8(0).u8(0).text("zstd");
  const ByteBuffer event = made::event(EventType::transaction_payload, body.view());
  const TransactionPayloadView payload = decode_transaction_payload(event, kCrc).value();
  EXPECT_EQ(payload.compression, 0u);
  EXPECT_EQ(payload.uncompressed_size, 200u);
  EXPECT_EQ(as_text(payload.payload), "zstd");
  EXPECT_FALSE(
      decode_transaction_payload(made::event(EventType::transaction_payload, body.view().first(body.size() - 1)), kCrc)
          .ok());
}

TEST(Rotate, NeedsAFileName) {
  ByteWriter body;
  body.u64(4);
  EXPECT_FALSE(decode_rotate(made::event(EventType::rotate, body.view()), kCrc).ok());
  body.text(std::string(kMaxFileNameLength + 1, 'x'));
  EXPECT_FALSE(decode_rotate(made::event(EventType::rotate, body.view()), kCrc).ok());
}

Bytes compressed_query(const golden::Sample& sample, const golden::PlacedEvent& event) {
  return decode_query(event.bytes, sample.format().checksum).value().compressed_text;
}

TEST(MariadbCompression, IsBoundedByWhatTheCallerWants) {
  const golden::Sample sample = golden::load("mariadb-10.11-compressed");
  for (const golden::PlacedEvent& event : sample.events()) {
    if (event.header.type != EventType::mariadb_query_compressed) continue;
    const std::string whole = inflate_mariadb(compressed_query(sample, event), 1 << 20).value();
    EXPECT_EQ(inflate_mariadb(compressed_query(sample, event), 12).value(), whole.substr(0, 12));
    EXPECT_EQ(inflate_mariadb(compressed_query(sample, event), 0).value(), "");
    for (std::size_t size = 0; size < 8; ++size) {
      EXPECT_FALSE(inflate_mariadb(compressed_query(sample, event).first(size), 1 << 20).ok()) << size;
    }
  }
}

TEST(MariadbCompression, RefusesALengthThatTheStreamDoesNotReach) {
  const golden::Sample sample = golden::load("mariadb-10.11-compressed");
  for (const golden::PlacedEvent& event : sample.events()) {
    if (event.header.type != EventType::mariadb_query_compressed) continue;
    const Bytes text = compressed_query(sample, event);
    ByteBuffer longer{std::byte{0x84}, std::byte{0x7f}, std::byte{0xff}, std::byte{0xff}};
    longer.insert(longer.end(), text.begin() + 1, text.end());
    EXPECT_FALSE(inflate_mariadb(longer, ~std::size_t{0}).ok());
  }
}

TEST(DescribeEvent, IsOneLineOfBoundedLength) {
  const ByteBuffer event =
      made::event(EventType::query, made::query_body("INSERT\n\t'\x01\x7f' \xc3\xa9\xc3\xa9", "d"));
  EXPECT_EQ(describe_event(event, kCrc), "use `d`; INSERT\\n\\t'\\x01\\x7f' \xc3\xa9\xc3\xa9");
  for (std::size_t length = 0; length < 40; ++length) {
    const std::string text = describe_event(event, kCrc, length);
    EXPECT_LE(text.size(), length);
    EXPECT_TRUE(text.empty() || static_cast<unsigned char>(text.back()) != 0xc3) << "a character is cut in two";
  }
}

TEST(DescribeEvent, SaysWhenItCannotRead) {
  EXPECT_EQ(describe_event(made::event(EventType::xid, as_bytes("short")), kCrc), "(undecodable: XID event: 5 bytes)");
  EXPECT_EQ(describe_event(made::event(static_cast<EventType>(99), as_bytes("?")), kCrc), "# event type 0x63");
}

TEST(DescribeEvent, ShowsIncidents) {
  EXPECT_EQ(describe_event(made::event(EventType::incident, as_bytes(std::string_view("\1\0\4lost", 7))), kCrc),
            "#1 (LOST_EVENTS): lost");
}

}  // namespace
}  // namespace binrelay
