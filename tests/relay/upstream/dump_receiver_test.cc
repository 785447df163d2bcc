#include "relay/upstream/dump_receiver.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "protocol/wire/byte_writer.h"
#include "tests/relay/upstream/scripted_source.h"

namespace binrelay {
namespace {

using test::dumped_events;
using test::events_of;
using test::kSourceId;
using test::ServedFile;

ServedFile file_of(const std::string& sample, const std::string& name) { return {name, golden::load(sample).content}; }

// What a receiver made of a dump, file by file.
struct Received {
  std::vector<ServedFile> stored;  // files begun in this dump, from their magic on
  std::string compared;            // bytes that were to be compared
  std::optional<Error> error;
};

Received receive(DumpReceiver& receiver, const std::vector<ByteBuffer>& events) {
  Received result;
  for (const ByteBuffer& event : events) {
    const auto step = receiver.on_event(event);
    if (!step) {
      result.error = step.error();
      return result;
    }
    if (const auto* begin = std::get_if<BeginFile>(&*step))
      result.stored.push_back({begin->name,
                               "\xfe"
                               "bin"});
    if (const auto* store = std::get_if<StoreEvent>(&*step)) {
      if (result.stored.empty()) result.stored.push_back({receiver.file(), ""});
      result.stored.back().content += as_text(store->event);
    }
    if (const auto* compare = std::get_if<CompareEvent>(&*step)) result.compared += as_text(compare->event);
  }
  return result;
}

Received receive(const DumpStart& start, const std::vector<ByteBuffer>& events) {
  DumpReceiver receiver(start);
  return receive(receiver, events);
}

DumpStart resumed(const ServedFile& file, std::uint64_t position, std::uint64_t stored_end) {
  const Bytes description = events_of(file).front().bytes;
  return {file.name, position, StoredFile{stored_end, ByteBuffer(description.begin(), description.end())}};
}

class EverySample : public testing::TestWithParam<std::string> {};

TEST_P(EverySample, IsStoredByteForByteFromTwoFiles) {
  const std::vector files{file_of(GetParam(), "bin.000007"), file_of(GetParam(), "bin.000008")};
  const Received received = receive({"bin.000007", 4, std::nullopt}, dumped_events(files, "bin.000007", 4));
  ASSERT_FALSE(received.error) << received.error->context;
  ASSERT_EQ(received.stored.size(), 2u);
  EXPECT_EQ(received.stored[0].content, files[0].content);
  EXPECT_EQ(received.stored[1].content, files[1].content);
  EXPECT_EQ(received.stored[1].name, "bin.000008");
}

TEST_P(EverySample, IsResumedAtEveryEventAndComparedUpToTheStoredEnd) {
  const ServedFile file = file_of(GetParam(), "bin.000001");
  std::vector<std::uint64_t> offsets;
  for (const auto& event : events_of(file)) offsets.push_back(event.offset);
  offsets.push_back(file.content.size());
  for (std::size_t i = 0; i < offsets.size(); ++i) {
    const std::uint64_t position = offsets[i];
    // Nothing, one event, or everything there is stored already.
    for (const std::uint64_t end : {position, offsets[std::min(i + 1, offsets.size() - 1)], offsets.back()}) {
      const Received received = receive(resumed(file, position, end), dumped_events({file}, file.name, position));
      ASSERT_FALSE(received.error) << received.error->context;
      EXPECT_EQ(received.compared, file.content.substr(position, end - position));
      const std::string stored = received.stored.empty() ? "" : received.stored[0].content;
      EXPECT_EQ(stored, file.content.substr(end));
    }
  }
}

INSTANTIATE_TEST_SUITE_P(DumpReceiver, EverySample, testing::ValuesIn(golden::sample_names()), [](const auto& info) {
  std::string name = info.param;
  std::replace_if(
      name.begin(), name.end(), [](char letter) { return !std::isalnum(static_cast<unsigned char>(letter)); }, '_');
  return name;
});

const char* const kMysql = "mysql-9.7-row";
const char* const kMariadb = "mariadb-10.11-row";
const char* const kNoChecksum = "mariadb-10.11-no-checksum";

TEST(DumpReceiver, FollowsAChangeOfChecksumFromFileToFile) {
  const std::vector files{file_of(kMariadb, "b.000001"), file_of(kNoChecksum, "b.000002"),
                          file_of(kMariadb, "b.000003")};
  const Received received = receive({"b.000001", 4, std::nullopt}, dumped_events(files, "b.000001", 4));
  ASSERT_FALSE(received.error) << received.error->context;
  ASSERT_EQ(received.stored.size(), 3u);
  for (std::size_t i = 0; i < 3; ++i) EXPECT_EQ(received.stored[i].content, files[i].content);
}

TEST(DumpReceiver, AcceptsTheFormatDescriptionOfAGtidDumpThatKeepsItsPosition) {
  const ServedFile file = file_of(kMysql, "b.000001");
  const std::uint64_t position = events_of(file)[4].offset;
  const Received received =
      receive(resumed(file, position, position), dumped_events({file}, "b.000001", position, true));
  EXPECT_FALSE(received.error);
}

TEST(DumpReceiver, PassesOverHeartbeatsAndArtificialGtidLists) {
  const ServedFile file = file_of(kMariadb, "b.000001");
  auto events = dumped_events({file}, "b.000001", 4);
  const auto crc = ChecksumAlgorithm::crc32;
  events.push_back(build_heartbeat_v1(kSourceId, "b.000001", file.content.size(), crc));
  events.push_back(build_heartbeat_v2(kSourceId, "b.000001", file.content.size(), crc));
  events.push_back(
      build_fake_gtid_list(kSourceId, {{0, 1, 2}}, 0, static_cast<std::uint32_t>(file.content.size()), crc));
  const Received received = receive({"b.000001", 4, std::nullopt}, events);
  ASSERT_FALSE(received.error) << received.error->context;
  EXPECT_EQ(received.stored[0].content, file.content);
}

ByteBuffer start_encryption(std::uint32_t log_pos) {
  ByteWriter event;
  event.u32(1700000000).u8(164).u32(101).u32(40).u32(log_pos).u16(kFlagIgnorable).u8(1).u32(1).zeros(12 + 4);
  ByteBuffer bytes = std::move(event).take();
  rewrite_event_checksum(bytes);
  return bytes;
}

TEST(DumpReceiver, StoresStartEncryptionOfTheFileAndDropsTheResentOne) {
  const ServedFile file = file_of(kMariadb, "b.000001");
  auto events = dumped_events({file}, "b.000001", 4);
  events.resize(2);  // fake ROTATE, format description
  const auto first = static_cast<std::uint32_t>(events_of(file)[1].offset);
  events.push_back(start_encryption(first + 40));
  const Received received = receive({"b.000001", 4, std::nullopt}, events);
  ASSERT_FALSE(received.error) << received.error->context;
  EXPECT_EQ(received.stored[0].content.size(), first + 40);

  auto resent = dumped_events({file}, "b.000001", first);
  resent.insert(resent.begin() + 2, start_encryption(0));
  const Received again = receive(resumed(file, first, first), resent);
  ASSERT_FALSE(again.error) << again.error->context;
  EXPECT_EQ(again.stored[0].content, file.content.substr(first));
}

// Every single damaged bit of every event of a file with checksums is found; none of the damaged event's bytes are
// stored.
TEST(DumpReceiver, FindsEveryFlippedBitWithoutStoringIt) {
  const ServedFile file = file_of("mysql-9.7-payload", "b.000001");
  const auto events = dumped_events({file}, "b.000001", 4);
  for (std::size_t damaged = 0; damaged < events.size(); ++damaged) {
    for (std::size_t bit = 0; bit < events[damaged].size() * 8; ++bit) {
      auto sent = events;
      sent[damaged][bit / 8] ^= std::byte(1 << bit % 8);
      DumpReceiver receiver({"b.000001", 4, std::nullopt});
      const Received received = receive(receiver, sent);
      ASSERT_TRUE(received.error) << "event " << damaged << " bit " << bit;
      EXPECT_EQ(received.error->code, Errc::malformed);
      const std::string stored = received.stored.empty() ? "" : received.stored[0].content;
      EXPECT_TRUE(file.content.starts_with(stored));
      EXPECT_EQ(receiver.offset(), std::max<std::size_t>(stored.size(), kFirstEventOffset));
    }
  }
}

TEST(DumpReceiver, NamesFileAndPositionOfADamagedEvent) {
  const ServedFile file = file_of(kMysql, "b.000001");
  auto events = dumped_events({file}, "b.000001", 4);
  const std::uint64_t offset = events_of(file)[3].offset;
  events[4][25] ^= std::byte{1};
  const Received received = receive({"b.000001", 4, std::nullopt}, events);
  ASSERT_TRUE(received.error);
  EXPECT_EQ(received.error->context, "b.000001:" + std::to_string(offset) + ": an event's checksum does not match");
}

TEST(DumpReceiver, RefusesAHole) {
  const ServedFile file = file_of(kMysql, "b.000001");
  auto events = dumped_events({file}, "b.000001", 4);
  events.erase(events.begin() + 5);
  const Received received = receive({"b.000001", 4, std::nullopt}, events);
  ASSERT_TRUE(received.error);
  EXPECT_EQ(received.error->code, Errc::malformed);
}

TEST(DumpReceiver, FindsAHoleByTheHeartbeatWhereEventsCarryNoPosition) {
  const ServedFile file = file_of("mariadb-11.8-row", "b.000001");
  auto events = dumped_events({file}, "b.000001", 4);
  events.resize(6);
  events.push_back(build_heartbeat_v1(kSourceId, "b.000001", 3000, ChecksumAlgorithm::crc32));
  const Received received = receive({"b.000001", 4, std::nullopt}, events);
  ASSERT_TRUE(received.error);
  EXPECT_EQ(received.error->code, Errc::malformed);
}

TEST(DumpReceiver, FindsAnotherFileOfTheSameNameByItsFormatDescription) {
  const ServedFile held = file_of(kMysql, "b.000001");
  const ServedFile now = file_of("mysql-9.7-statement", "b.000001");
  const std::uint64_t position = events_of(held)[2].offset;
  const Received received =
      receive(resumed(held, position, position + 500), dumped_events({now}, "b.000001", position));
  ASSERT_TRUE(received.error);
  EXPECT_EQ(received.error->code, Errc::conflict);
  EXPECT_NE(received.error->context.find("b.000001 differs from the stored one"), std::string::npos);
}

TEST(DumpReceiver, FindsAnEventThatStraddlesTheStoredEnd) {
  const ServedFile file = file_of(kMysql, "b.000001");
  const auto placed = events_of(file);
  const Received received = receive(resumed(file, placed[2].offset, placed[4].offset + 5),
                                    dumped_events({file}, "b.000001", placed[2].offset));
  ASSERT_TRUE(received.error);
  EXPECT_EQ(received.error->code, Errc::conflict);
}

TEST(DumpReceiver, FindsAFileThatEndsBeforeTheStoredOne) {
  const ServedFile file = file_of(kMysql, "b.000001");
  const ServedFile following = file_of(kMysql, "b.000002");
  const Received received = receive(resumed(file, events_of(file)[2].offset, file.content.size() + 100),
                                    dumped_events({file, following}, "b.000001", events_of(file)[2].offset));
  ASSERT_TRUE(received.error);
  EXPECT_EQ(received.error->code, Errc::conflict);
}

TEST(DumpReceiver, KeepsAnOpenGroupAtTheEndOfAFile) {
  const std::vector files{file_of(kMariadb, "b.000001"), file_of(kMariadb, "b.000002")};
  auto events = dumped_events(files, "b.000001", 4);
  const auto placed = events_of(files[0]);
  std::size_t rows = 0;
  while (placed[rows].header.type != EventType::write_rows_v1) ++rows;
  events.erase(events.begin() + static_cast<std::ptrdiff_t>(rows) + 2,
               events.begin() + static_cast<std::ptrdiff_t>(placed.size()) + 1);
  const Received received = receive({"b.000001", 4, std::nullopt}, events);
  ASSERT_FALSE(received.error) << received.error->context;
  EXPECT_EQ(received.stored[0].content, files[0].content.substr(0, placed[rows + 1].offset));
  EXPECT_EQ(received.stored[1].content, files[1].content);
}

TEST(DumpReceiver, AcceptsTheSameFileAnnouncedAgainAtItsOwnOffset) {
  const ServedFile file = file_of(kMysql, "b.000001");
  const std::uint64_t again = events_of(file)[2].offset;
  auto events = dumped_events({file}, "b.000001", 4);
  const auto resent = dumped_events({file}, "b.000001", again);
  events.insert(events.begin() + 3, {resent[0], resent[1]});
  const Received received = receive({"b.000001", 4, std::nullopt}, events);
  ASSERT_FALSE(received.error) << received.error->context;
  EXPECT_EQ(received.stored[0].content, file.content);
}

TEST(DumpReceiver, RefusesOtherPlacesThanTheOneAskedFor) {
  const ServedFile file = file_of(kMysql, "b.000002");
  const auto error_of = [&](const DumpStart& start, std::vector<ByteBuffer> events) {
    return receive(start, events).error;
  };
  EXPECT_TRUE(error_of({"b.000001", 4, std::nullopt}, dumped_events({file}, "b.000002", 4)));
  const std::uint64_t position = events_of(file)[3].offset;
  EXPECT_TRUE(error_of(resumed(file, 4, 4), dumped_events({file}, "b.000002", position)));
  EXPECT_TRUE(error_of(resumed(file, position, position), dumped_events({file}, "b.000002", 4)));
  auto unnamed = dumped_events({file}, "b.000002", 4);
  unnamed.erase(unnamed.begin());
  EXPECT_TRUE(error_of({"b.000002", 4, std::nullopt}, unnamed));
  auto undescribed = dumped_events({file}, "b.000002", 4);
  undescribed.erase(undescribed.begin() + 1);
  EXPECT_TRUE(error_of({"b.000002", 4, std::nullopt}, undescribed));
}

TEST(DumpReceiver, RefusesFileNamesThatLeaveTheDirectory) {
  for (const char* name : {"../x", "/etc/passwd", "", ".."}) {
    DumpReceiver receiver({name, 4, std::nullopt});
    EXPECT_FALSE(receiver.on_event(build_fake_rotate(kSourceId, name, 4, ChecksumAlgorithm::crc32)).ok()) << name;
  }
}

TEST(DumpReceiver, RefusesTruncatedEventsOfEveryLength) {
  const ServedFile file = file_of(kMysql, "b.000001");
  const auto events = dumped_events({file}, "b.000001", 4);
  for (std::size_t cut = 0; cut < 4; ++cut) {
    for (std::size_t length = 0; length < events[cut].size(); ++length) {
      std::vector<ByteBuffer> sent(events.begin(), events.begin() + static_cast<std::ptrdiff_t>(cut));
      sent.emplace_back(events[cut].begin(), events[cut].begin() + static_cast<std::ptrdiff_t>(length));
      EXPECT_TRUE(receive({"b.000001", 4, std::nullopt}, sent).error);
    }
  }
}

// log_pos is modulo 2^32, and so is the heartbeat of the old kind.
TEST(DumpReceiver, GoesOnPastFourGiB) {
  const ServedFile file = file_of(kMysql, "b.000001");
  const std::uint64_t position = (1ull << 32) - 50;
  const auto xid = [&](std::uint64_t end) {
    ByteWriter event;
    event.u32(1700000000).u8(16).u32(101).u32(31).u32(static_cast<std::uint32_t>(end)).u16(0).u64(5).zeros(4);
    ByteBuffer bytes = std::move(event).take();
    rewrite_event_checksum(bytes);
    return bytes;
  };
  const auto resent = dumped_events({file}, "b.000001", 158);
  const std::vector<ByteBuffer> events{
      build_fake_rotate(kSourceId, "b.000001", position, ChecksumAlgorithm::crc32),
      resent[1],
      xid(position + 31),
      xid(position + 62),
      build_heartbeat_v1(kSourceId, "b.000001", position + 62, ChecksumAlgorithm::crc32),
      build_heartbeat_v2(kSourceId, "b.000001", position + 62, ChecksumAlgorithm::crc32)};
  DumpReceiver receiver(resumed(file, position, position));
  const Received received = receive(receiver, events);
  ASSERT_FALSE(received.error) << received.error->context;
  EXPECT_EQ(receiver.offset(), position + 62);
}

}  // namespace
}  // namespace binrelay
