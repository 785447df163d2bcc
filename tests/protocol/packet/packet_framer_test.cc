#include "protocol/packet/packet_framer.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <cstring>
#include <string>

#include "protocol/event/event_header.h"

namespace binrelay {
namespace {

constexpr std::size_t kFull = kMaxPacketPayload;

ByteBuffer pattern(std::size_t size) {
  ByteBuffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 31 + i / 251);
  return bytes;
}

ByteBuffer packets_of(Bytes payload, std::uint8_t sequence = 0) {
  ByteBuffer out;
  append_packet(out, payload, &sequence);
  return out;
}

struct Header {
  std::size_t size;
  unsigned sequence;
  friend bool operator==(const Header&, const Header&) = default;
};
void PrintTo(const Header& header, std::ostream* out) { *out << header.size << '#' << header.sequence; }

// The headers of a run of whole packets.
std::vector<Header> headers_of(Bytes packets) {
  std::vector<Header> headers;
  while (packets.size() >= 4) {
    const auto byte = [&](std::size_t i) { return std::to_integer<std::size_t>(packets[i]); };
    headers.push_back({byte(0) | byte(1) << 8 | byte(2) << 16, static_cast<unsigned>(byte(3))});
    if (packets.size() < 4 + headers.back().size) return {};
    packets = packets.subspan(4 + headers.back().size);
  }
  return packets.empty() ? headers : std::vector<Header>{};
}

class Reading : public ::testing::Test {
 protected:
  // The next payload as text, "(none)" or "(error)".
  std::string read() {
    auto payload = reader_.next();
    if (!payload.ok()) return "(error)";
    return *payload ? std::string(as_text(**payload)) : "(none)";
  }
  PacketReader reader_{1u << 20};
};

TEST_F(Reading, CutsPipelinedPackets) {
  ByteBuffer bytes = packets_of(as_bytes("one"));
  const ByteBuffer second = packets_of(as_bytes("two"), 7);
  bytes.insert(bytes.end(), second.begin(), second.end());
  reader_.feed(bytes);
  EXPECT_EQ(read(), "one");
  EXPECT_EQ(reader_.reply_sequence(), 1);
  EXPECT_EQ(reader_.leftover().size(), second.size());
  EXPECT_EQ(read(), "two");
  EXPECT_EQ(reader_.reply_sequence(), 8);
  EXPECT_EQ(read(), "(none)");
}

TEST_F(Reading, TakesBytesOneByOne) {
  for (int round = 0; round < 3; ++round) {
    const ByteBuffer bytes = packets_of(as_bytes("statement"), 255);
    for (std::size_t i = 0; i + 1 < bytes.size(); ++i) {
      reader_.feed(Bytes(bytes).subspan(i, 1));
      EXPECT_EQ(read(), "(none)");
    }
    reader_.feed(Bytes(bytes).last(1));
    EXPECT_EQ(read(), "statement");
    EXPECT_EQ(reader_.reply_sequence(), 0);
  }
}

TEST_F(Reading, TakesAnEmptyPayload) {
  reader_.feed(packets_of({}));
  EXPECT_EQ(read(), "");
  EXPECT_EQ(read(), "(none)");
}

TEST_F(Reading, RefusesAPayloadAboveTheLimitByItsHeader) {
  reader_.set_max_payload(10);
  reader_.feed(Bytes(packets_of(pattern(11))).first(4));
  EXPECT_EQ(read(), "(error)");
  EXPECT_EQ(read(), "(error)");
}

TEST_F(Reading, RefusesASplitPayloadWhoseSumIsAboveTheLimit) {
  reader_.set_max_payload(kFull + 5);
  reader_.feed(packets_of(pattern(kFull + 6)));
  EXPECT_EQ(read(), "(error)");
}

TEST_F(Reading, JoinsSplitPayloads) {
  reader_.set_max_payload(3 * kFull);
  for (const std::size_t size : {kFull - 1, kFull, kFull + 1, 2 * kFull, 2 * kFull + 17}) {
    const ByteBuffer sent = pattern(size);
    const ByteBuffer bytes = packets_of(sent);
    for (std::size_t at = 0; at < bytes.size(); at += 1'000'003) {
      EXPECT_EQ(read(), "(none)");
      reader_.feed(Bytes(bytes).subspan(at, std::min<std::size_t>(1'000'003, bytes.size() - at)));
    }
    const auto received = reader_.next();
    ASSERT_TRUE(received.ok() && *received);
    EXPECT_TRUE(std::ranges::equal(**received, sent)) << size;
    EXPECT_EQ(reader_.reply_sequence(), size / kFull + 1);
  }
}

TEST_F(Reading, DropsWhatIsLeft) {
  reader_.feed(packets_of(as_bytes("abc")));
  reader_.drop_leftover();
  EXPECT_TRUE(reader_.leftover().empty());
  reader_.feed(packets_of(as_bytes("def")));
  EXPECT_EQ(read(), "def");
}

TEST(AppendPacket, SplitsAndCloses) {
  EXPECT_EQ(headers_of(packets_of({})), (std::vector<Header>{{0, 0}}));
  EXPECT_EQ(headers_of(packets_of(pattern(5), 255)), (std::vector<Header>{{5, 255}}));
  EXPECT_EQ(headers_of(packets_of(pattern(kFull - 1))), (std::vector<Header>{{kFull - 1, 0}}));
  EXPECT_EQ(headers_of(packets_of(pattern(kFull), 255)), (std::vector<Header>{{kFull, 255}, {0, 0}}));
  EXPECT_EQ(headers_of(packets_of(pattern(2 * kFull + 1), 3)), (std::vector<Header>{{kFull, 3}, {kFull, 4}, {1, 5}}));
}

TEST(AppendPacket, LeavesTheSequenceBehindTheLast) {
  ByteBuffer out;
  std::uint8_t sequence = 254;
  append_packet(out, as_bytes("a"), &sequence);
  append_packet(out, as_bytes("b"), &sequence);
  EXPECT_EQ(sequence, 0);
}

// Seen on MySQL 9.7 and MariaDB 10.11: a status byte and the event, cut as any payload.
TEST(EventFramer, SplitsAsServersDo) {
  struct Case {
    std::size_t event_size;
    std::vector<Header> packets;
  };
  for (const auto& [event_size, packets] :
       std::vector<Case>{{19, {{20, 9}}},
                         {16777213, {{16777214, 9}}},
                         {16777214, {{16777215, 9}, {0, 10}}},
                         {16777215, {{16777215, 9}, {1, 10}}},
                         {2 * 16777215 - 1, {{16777215, 9}, {16777215, 10}, {0, 11}}},
                         {2 * 16777215, {{16777215, 9}, {16777215, 10}, {1, 11}}}}) {
    SendBuffer out;
    EventFramer framer(9);
    framer.whole(out, pattern(event_size));
    EXPECT_EQ(headers_of(out.bytes()), packets) << event_size;
    EXPECT_FALSE(framer.in_event());
  }
}

TEST(EventFramer, FramesPiecesAsTheWhole) {
  for (const std::size_t size : {std::size_t{100}, kFull - 1, kFull, 2 * kFull + 5}) {
    const ByteBuffer event = pattern(size);
    SendBuffer whole, pieces;
    EventFramer(250).whole(whole, event);
    EventFramer framer(250);
    framer.begin(pieces, size);
    for (std::size_t at = 0; at < size; at += 65'537) {
      EXPECT_TRUE(framer.in_event());
      framer.piece(pieces, Bytes(event).subspan(at, std::min<std::size_t>(65'537, size - at)));
    }
    EXPECT_FALSE(framer.in_event());
    EXPECT_TRUE(std::ranges::equal(whole.bytes(), pieces.bytes())) << size;
  }
}

TEST(SendBuffer, WhatHasGoneIsDroppedAndTheRestKeptInItsOrder) {
  const std::string lent = "lent by another";
  SendBuffer out;
  out.append(as_bytes("own "));
  out.lend(as_bytes(lent));
  out.append(as_bytes(" own again"));
  out.drop_front(9);
  EXPECT_EQ(as_text(out.bytes()), "by another own again");
  EXPECT_FALSE(out.has_lent());
  out.drop_front(out.size());
  EXPECT_TRUE(out.empty());
}

TEST(EventFramer, IsReadBackByAPacketReader) {
  SendBuffer out;
  EventFramer framer(1);
  for (int i = 0; i < 300; ++i) framer.whole(out, pattern(40));
  EXPECT_EQ(framer.sequence(), static_cast<std::uint8_t>(1 + 300));
  PacketReader reader(1u << 20);
  reader.feed(out.bytes());
  for (int i = 0; i < 300; ++i) {
    const auto payload = reader.next();
    ASSERT_TRUE(payload.ok() && *payload);
    EXPECT_EQ((*payload)->front(), std::byte{0});
    EXPECT_TRUE(std::ranges::equal((*payload)->subspan(1), pattern(40)));
  }
}

TEST(EventFramer, FramesARunAsItsEvents) {
  ByteBuffer log;
  SendBuffer one_by_one, run;
  EventFramer framer(250);
  const std::vector<std::uint32_t> sizes{19, 300, 23, 70'000};
  for (const std::uint32_t size : sizes) {
    ByteBuffer event = pattern(size);
    std::memcpy(event.data() + kEventSizeOffset, &size, sizeof size);
    framer.whole(one_by_one, event);
    log.insert(log.end(), event.begin(), event.end());
  }
  EventFramer in_one(250);
  in_one.run(run, EventRun{log, sizes.size(), 0});
  EXPECT_TRUE(std::ranges::equal(one_by_one.bytes(), run.bytes()));
  EXPECT_EQ(in_one.sequence(), framer.sequence());
}

TEST(EventFramer, LendsTheLargeEventsOfARun) {
  ByteBuffer log;
  const std::vector<std::uint32_t> sizes{19, 2048, 4096, 300, 2047, 9000};
  for (const std::uint32_t size : sizes) {
    ByteBuffer event = pattern(size);
    std::memcpy(event.data() + kEventSizeOffset, &size, sizeof size);
    log.insert(log.end(), event.begin(), event.end());
  }
  SendBuffer copied, lent;
  EventFramer(250).run(copied, EventRun{log, sizes.size(), 0});
  EventFramer framer(250);
  framer.run(lent, EventRun{log, sizes.size(), 0}, 2048);
  EXPECT_EQ(lent.size(), copied.size());
  ByteBuffer sent;
  std::size_t in_place = 0;
  for (const Bytes piece : lent.pieces()) {
    sent.insert(sent.end(), piece.begin(), piece.end());
    if (piece.data() >= log.data() && piece.data() < log.data() + log.size()) ++in_place;
  }
  EXPECT_TRUE(std::ranges::equal(sent, copied.bytes()));
  EXPECT_EQ(in_place, 3u);
  EXPECT_TRUE(lent.has_lent());
  lent.clear();
  EXPECT_TRUE(lent.empty() && !lent.has_lent() && lent.pieces().empty());
}

TEST(EventFramerDeathTest, TakesNoMoreThanAnnounced) {
  SendBuffer out;
  EventFramer framer(1);
  framer.begin(out, 4);
  EXPECT_DEATH(framer.piece(out, pattern(5)), "more event bytes than announced");
  EXPECT_DEATH(framer.begin(out, 4), "inside another");
}

}  // namespace
}  // namespace binrelay
