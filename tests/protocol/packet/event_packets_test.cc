#include "protocol/packet/event_packets.h"

#include <gtest/gtest.h>

#include <cctype>
#include <string>
#include <vector>

#include "protocol/limits.h"
#include "tests/golden/golden_samples.h"

namespace binrelay {
namespace {

const EventTypeSet kDumped = EventTypeSet::of_dumps();

void put_packet(ByteBuffer& stream, Bytes event) {
  const std::size_t size = event.size() + 1;
  for (const std::size_t byte : {size & 0xff, size >> 8 & 0xff, size >> 16, std::size_t{7}, std::size_t{0}})
    stream.push_back(static_cast<std::byte>(byte));
  stream.insert(stream.end(), event.begin(), event.end());
}

// The groups of a sample as a source sends them.
class ArrivedEvents : public testing::TestWithParam<std::string> {
 protected:
  ArrivedEvents() {
    std::vector<golden::PlacedEvent> run;  // the longest stays
    for (const auto& event : sample_.events()) {
      const bool of_group = !belongs_to_file(event.header.type) && event.header.size < kMaxPacketPayload - 1;
      if (!of_group) run.clear();
      if (of_group) run.push_back(event);
      if (run.size() > events_.size()) events_ = run;
    }
    for (const auto& event : events_) put_packet(stream_, event.bytes);
    checksum_ = sample_.format().checksum;
  }
  std::size_t found(Bytes stream) { return find_arrived(stream, events_.front().offset, kDumped, checksum_, room_); }
  // Where the packet of an event begins.
  std::size_t packet_of(std::size_t event) const {
    return events_[event].offset - events_.front().offset + event * kBeforeEvent;
  }

  golden::Sample sample_ = golden::load(GetParam());
  std::vector<golden::PlacedEvent> events_;
  ByteBuffer stream_;
  ChecksumAlgorithm checksum_{};
  std::vector<ArrivedEvent> room_ = std::vector<ArrivedEvent>(10'000);
};

TEST_P(ArrivedEvents, AreTheEventsOfTheFile) {
  ASSERT_EQ(found(stream_), events_.size());
  for (std::size_t i = 0; i < events_.size(); ++i) {
    EXPECT_EQ(as_text(room_[i].bytes), as_text(events_[i].bytes));
    EXPECT_EQ(room_[i].header.type, events_[i].header.type);
  }
}

TEST_P(ArrivedEvents, AreNoMoreThanThereIsRoomFor) {
  room_.resize(2);
  EXPECT_EQ(found(stream_), 2u);
}

TEST_P(ArrivedEvents, EndBeforeWhatHasNotComeWhole) {
  ASSERT_GT(events_.size(), 2u);
  const Bytes stream(stream_);
  for (const std::size_t size : {std::size_t{0}, std::size_t{4}, packet_of(1) - 1})
    EXPECT_EQ(found(stream.first(size)), 0u) << size;
  for (const std::size_t size : {packet_of(1), packet_of(1) + 4, packet_of(2) - 1})
    EXPECT_EQ(found(stream.first(size)), 1u) << size;
}

TEST_P(ArrivedEvents, EndBeforeWhatIsNotAsItShouldBe) {
  struct Spoiled {
    const char* what;
    std::size_t offset;  // of the third packet
    std::uint8_t flipped;
  };
  for (const auto& [what, offset, flipped] : {Spoiled{"the packet's size", 0, 1}, Spoiled{"no event", 4, 0xff},
                                              Spoiled{"the event's size", kBeforeEvent + kEventSizeOffset, 1},
                                              Spoiled{"where it ends", kBeforeEvent + kLogPosOffset, 4},
                                              Spoiled{"made up", kBeforeEvent + kFlagsOffset, kFlagArtificial},
                                              Spoiled{"a heartbeat", kBeforeEvent + kTypeOffset, 0}}) {
    ByteBuffer stream = stream_;
    std::byte& byte = stream[packet_of(2) + offset];
    byte = flipped == 0 ? static_cast<std::byte>(EventType::heartbeat) : byte ^ std::byte{flipped};
    EXPECT_LE(found(stream), 2u) << what;
  }
}

TEST_P(ArrivedEvents, EndBeforeOneWhoseChecksumDoesNotHold) {
  if (checksum_ == ChecksumAlgorithm::none) return;
  ByteBuffer stream = stream_;
  stream[packet_of(2) + kBeforeEvent + kEventHeaderSize] ^= std::byte{1};
  EXPECT_EQ(found(stream), 2u);
}

INSTANTIATE_TEST_SUITE_P(RealServers, ArrivedEvents, testing::ValuesIn(golden::sample_names()), [](const auto& info) {
  std::string name = info.param;
  for (char& letter : name) letter = std::isalnum(static_cast<unsigned char>(letter)) ? letter : '_';
  return name;
});

}  // namespace
}  // namespace binrelay
