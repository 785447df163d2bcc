// Samples of real servers: what this program makes of a file is what the server says of it.
#include <gtest/gtest.h>

#include <algorithm>
#include <cctype>
#include <cstring>

#include "protocol/event/event_builder.h"
#include "protocol/event/event_checksum.h"
#include "protocol/event/events.h"
#include "protocol/event/transaction_boundary.h"
#include "tests/golden/golden_samples.h"

namespace binrelay {
namespace {

using golden::PlacedEvent;
using golden::Sample;
using golden::ShownEvent;

class RealBinlog : public testing::TestWithParam<std::string> {
 protected:
  const Sample sample_ = golden::load(GetParam());
  const FormatDescription format_ = sample_.format();
};

std::string test_name(const testing::TestParamInfo<std::string>& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char c) { return !std::isalnum(static_cast<unsigned char>(c)); }, '_');
  return name;
}

INSTANTIATE_TEST_SUITE_P(Golden, RealBinlog, testing::ValuesIn(golden::sample_names()), test_name);

TEST_P(RealBinlog, SaysWhoWroteIt) {
  const bool mariadb = GetParam().starts_with("mariadb");
  EXPECT_EQ(format_.flavour, mariadb ? Flavour::mariadb : Flavour::mysql);
  EXPECT_EQ(sample_.shown.front().info, "Server ver: " + format_.server_version + ", Binlog ver: 4");
}

TEST_P(RealBinlog, EveryChecksumHolds) {
  for (const PlacedEvent& event : sample_.events()) {
    if (format_.checksum == ChecksumAlgorithm::none && event.header.type != EventType::format_description) continue;
    EXPECT_TRUE(event_checksum_holds(event.bytes)) << "at " << event.offset;
  }
}

TEST_P(RealBinlog, AFlippedBitBreaksItsChecksum) {
  for (const PlacedEvent& event : sample_.events()) {
    if (format_.checksum == ChecksumAlgorithm::none && event.header.type != EventType::format_description) continue;
    ByteBuffer copy(event.bytes.begin(), event.bytes.end());
    copy[copy.size() / 2] ^= std::byte{0x10};
    EXPECT_FALSE(event_checksum_holds(copy)) << "at " << event.offset;
  }
}

// Types and places; texts but for what the server knows and the event does not say: the name of a collation, the xid of
// a DDL.
TEST_P(RealBinlog, IsDescribedAsTheServerDescribesIt) {
  const std::vector<PlacedEvent> events = sample_.events();
  ASSERT_EQ(events.size(), sample_.shown.size());
  for (std::size_t i = 0; i < events.size(); ++i) {
    const ShownEvent& shown = sample_.shown[i];
    const std::string place = "at " + std::to_string(events[i].offset);
    EXPECT_EQ(events[i].offset, shown.position);
    EXPECT_EQ(event_type_name(events[i].header.type), shown.type) << place;

    std::string wanted = shown.info;
    std::string text = describe_event(events[i].bytes, format_.checksum, 4096);
    EXPECT_EQ(text.find("undecodable"), std::string::npos) << place << ": " << text;
    if (events[i].header.type == EventType::query) wanted.resize(std::min(wanted.size(), wanted.rfind(" /* xid=")));
    if (events[i].header.type == EventType::user_var && !wanted.ends_with("=NULL")) {
      wanted.resize(wanted.find('=') + 1);
      text.resize(text.find('=') + 1);
    }
    if (format_.flavour == Flavour::mysql && events[i].header.type == EventType::previous_gtids) {
      std::erase(wanted, '\n');
    }
    for (std::size_t at; (at = wanted.find('\n')) != std::string::npos;) wanted.replace(at, 1, "\\n");
    EXPECT_EQ(text, wanted) << place;
  }
}

bool begins_group(const ShownEvent& shown) {
  return shown.type == "Gtid" || shown.type == "Anonymous_Gtid" || shown.type == "Gtid_tagged_log_event";
}
bool stands_between_groups(const ShownEvent& shown) {
  static const std::vector<std::string> kTypes{"Format_desc",       "Previous_gtids", "Gtid_list",
                                               "Binlog_checkpoint", "Rotate",         "Stop"};
  return std::find(kTypes.begin(), kTypes.end(), shown.type) != kTypes.end();
}

// A closed file holds whole groups: each lasts until the next one begins or something stands between them.
TEST_P(RealBinlog, FallsIntoItsGroups) {
  TransactionBoundary boundary;
  boundary.start_file(format_.flavour, format_.checksum);
  const std::vector<PlacedEvent> events = sample_.events();
  std::uint64_t group_begin = 0;
  for (std::size_t i = 0; i < events.size(); ++i) {
    const ShownEvent& shown = sample_.shown[i];
    const bool last =
        i + 1 == events.size() || begins_group(sample_.shown[i + 1]) || stands_between_groups(sample_.shown[i + 1]);
    BoundaryPlace wanted = last ? BoundaryPlace::group_end : BoundaryPlace::group_middle;
    if (stands_between_groups(shown)) wanted = BoundaryPlace::outside;
    if (begins_group(shown)) wanted = BoundaryPlace::group_begin;

    const auto place = boundary.on_event(events[i].header, events[i].bytes, events[i].offset);
    ASSERT_TRUE(place.ok()) << place.error().context;
    EXPECT_EQ(*place, wanted) << shown.type << " at " << shown.position;
    if (wanted == BoundaryPlace::group_begin) {
      group_begin = shown.position;
      if (boundary.gtid()) {
        EXPECT_NE(shown.info.find(to_text(*boundary.gtid())), std::string::npos) << shown.info;
      }
      EXPECT_EQ(boundary.gtid().has_value(), shown.type != "Anonymous_Gtid");
    }
    if (wanted != BoundaryPlace::outside) {
      EXPECT_EQ(boundary.group_begin_offset(), group_begin);
    }
  }
  EXPECT_FALSE(boundary.in_group());
}

// Without transaction_length the content of the groups must tell the same: what a MySQL 5.7 source needs.
class RealUntaggedMysqlBinlog : public RealBinlog {};

std::vector<std::string> untagged_mysql_samples() {
  std::vector<std::string> names = golden::sample_names();
  std::erase_if(names, [](const std::string& name) { return !name.starts_with("mysql") || name.ends_with("tagged"); });
  return names;
}

INSTANTIATE_TEST_SUITE_P(Golden, RealUntaggedMysqlBinlog, testing::ValuesIn(untagged_mysql_samples()), test_name);

TEST_P(RealUntaggedMysqlBinlog, FallsIntoTheSameGroupsWithoutTransactionLength) {
  TransactionBoundary boundary;
  boundary.start_file(format_.flavour, format_.checksum);
  const std::vector<PlacedEvent> events = sample_.events();
  constexpr std::size_t kBodyOf57 = 42;
  for (std::size_t i = 0; i < events.size(); ++i) {
    ByteBuffer event(events[i].bytes.begin(), events[i].bytes.end());
    EventHeader header = events[i].header;
    if (header.type == EventType::gtid || header.type == EventType::anonymous_gtid) {
      event.resize(kEventHeaderSize + kBodyOf57);
      if (format_.checksum == ChecksumAlgorithm::crc32) event.resize(event.size() + kChecksumSize);
      header.size = static_cast<std::uint32_t>(event.size());
      std::memcpy(event.data() + 9, &header.size, sizeof header.size);
    }
    const auto place = boundary.on_event(header, event, events[i].offset);
    ASSERT_TRUE(place.ok()) << place.error().context;
    const bool ends_here =
        i + 1 < events.size() && (begins_group(sample_.shown[i + 1]) || stands_between_groups(sample_.shown[i + 1]));
    EXPECT_EQ(*place == BoundaryPlace::group_end, ends_here && !stands_between_groups(sample_.shown[i]))
        << "at " << events[i].offset;
  }
  EXPECT_FALSE(boundary.in_group());
}

TEST_P(RealBinlog, LeadsToTheServersOwnGtidState) {
  GtidState state = empty_state(format_.flavour);
  TransactionBoundary boundary;
  boundary.start_file(format_.flavour, format_.checksum);
  for (const PlacedEvent& event : sample_.events()) {
    if (event.header.type == EventType::previous_gtids) {
      state = decode_previous_gtids(event.bytes, format_.checksum).value();
    }
    if (event.header.type == EventType::mariadb_gtid_list) {
      state = MariadbBinlogState::from_list(decode_mariadb_gtid_list(event.bytes, format_.checksum).value().gtids);
    }
    const BoundaryPlace place = boundary.on_event(event.header, event.bytes, event.offset).value();
    if (place == BoundaryPlace::group_end && boundary.gtid()) add(state, *boundary.gtid());
  }
  if (const auto* set = std::get_if<MysqlGtidSet>(&state)) {
    EXPECT_EQ(set->to_text_with_newlines(), sample_.executed);
  } else {
    EXPECT_EQ(std::get<MariadbBinlogState>(state), MariadbBinlogState::parse(sample_.executed).value());
  }
}

TEST_P(RealBinlog, EveryTruncatedEventIsRefusedOrRead) {
  for (const PlacedEvent& event : sample_.events()) {
    for (std::size_t size = kEventHeaderSize; size < event.bytes.size(); ++size) {
      ByteBuffer cut(event.bytes.begin(), event.bytes.begin() + static_cast<std::ptrdiff_t>(size));
      const auto claimed = static_cast<std::uint32_t>(size);
      std::memcpy(cut.data() + 9, &claimed, sizeof claimed);
      describe_event(cut, format_.checksum);
      describe_event(cut, ChecksumAlgorithm::none);
    }
  }
}

TEST_P(RealBinlog, MidFileFormatDescriptionDiffersOnlyWhereAServersDoes) {
  const Bytes stored = sample_.events().front().bytes;
  const ByteBuffer sent = build_mid_file_format_description(stored, true);
  ASSERT_EQ(sent.size(), stored.size());
  EXPECT_TRUE(event_checksum_holds(sent));
  for (std::size_t i = 0; i < stored.size() - kChecksumSize; ++i) {
    const bool log_pos = i >= 13 && i < 17, flags = i == 17 || i == 18, created = i >= 19 + 52 && i < 19 + 56;
    EXPECT_EQ(sent[i], log_pos || flags || created ? std::byte{0} : stored[i]) << i;
  }
}

TEST(PreviousGtids, EncodesToTheServersOwnBytes) {
  for (const std::string& name : golden::sample_names()) {
    const Sample sample = golden::load(name);
    for (const PlacedEvent& event : sample.events()) {
      if (event.header.type != EventType::previous_gtids) continue;
      const ChecksumAlgorithm checksum = sample.format().checksum;
      const ByteBuffer encoded = decode_previous_gtids(event.bytes, checksum).value().encode();
      EXPECT_EQ(as_text(encoded), as_text(event_body(event.bytes, checksum).value())) << name;
    }
  }
}

TEST_P(RealBinlog, HeadersTellWhatEventsTellOfTheirPlace) {
  TransactionBoundary boundary;
  boundary.start_file(format_.flavour, format_.checksum);
  std::size_t by_header = 0;
  for (const PlacedEvent& event : sample_.events()) {
    TransactionBoundary shown_headers = boundary;
    const auto told = shown_headers.on_header(event.header, event.offset);
    const auto place = boundary.on_event(event.header, event.bytes, event.offset);
    ASSERT_TRUE(place.ok()) << place.error().context;
    if (!told) continue;
    ++by_header;
    EXPECT_EQ(*told, *place) << "at " << event.offset;
    EXPECT_EQ(shown_headers.in_group(), boundary.in_group());
  }
  EXPECT_TRUE(by_header > 0 || !GetParam().starts_with("mysql-9"));
}

}  // namespace
}  // namespace binrelay
