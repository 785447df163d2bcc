#include "relay/upstream/packet_blocks.h"

#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <array>
#include <chrono>
#include <cstring>
#include <thread>
#include <utility>
#include <vector>

#include "protocol/event/event_header.h"
#include "protocol/limits.h"
#include "protocol/packet/packet_framer.h"

namespace binrelay {
namespace {

using namespace std::chrono_literals;

constexpr std::size_t kStatusByte = 1;
constexpr std::size_t kLargestPayload = 40u << 20;

// A source's end of the connection, and ours.
class ConnectedPair {
 public:
  ConnectedPair() { EXPECT_EQ(::socketpair(AF_UNIX, SOCK_STREAM, 0, ends_.data()), 0); }
  ~ConnectedPair() {
    close_source();
    ::close(ends_[0]);
  }
  int ours() const { return ends_[0]; }
  int source() const { return ends_[1]; }
  void send(Bytes bytes) const {
    while (!bytes.empty()) {
      const ssize_t count = ::send(ends_[1], bytes.data(), bytes.size(), MSG_NOSIGNAL);
      ASSERT_GT(count, 0);
      bytes = bytes.subspan(static_cast<std::size_t>(count));
    }
  }
  void close_source() {
    if (ends_[1] >= 0) ::close(std::exchange(ends_[1], -1));
  }

 private:
  std::array<int, 2> ends_{};
};

ByteBuffer sized_event(std::size_t size) {
  ByteBuffer event(size);
  for (std::size_t i = 0; i < size; ++i) event[i] = static_cast<std::byte>(i * 31 + size);
  const auto announced = static_cast<std::uint32_t>(size);
  std::memcpy(event.data() + kEventSizeOffset, &announced, sizeof announced);
  return event;
}

ByteBuffer sized_payload(std::size_t event_size) {
  ByteBuffer payload{std::byte{0}};
  const ByteBuffer event = sized_event(event_size);
  payload.insert(payload.end(), event.begin(), event.end());
  return payload;
}

class PacketBlocksOf : public testing::TestWithParam<bool> {};

TEST_P(PacketBlocksOf, GivePayloadsOfAnySizeInOrder) {
  const std::vector<std::size_t> sizes{19,        500,        262'139,    262'140,    262'141,        300'000, 20,
                                       1'000'000, 16'777'213, 16'777'214, 16'777'215, 2 * 16'777'215, 77};
  ConnectedPair pair;
  const bool blocking = GetParam();
  if (!blocking) {
    ASSERT_EQ(::fcntl(pair.ours(), F_SETFL, ::fcntl(pair.ours(), F_GETFL) | O_NONBLOCK), 0);
  }
  std::thread source([&] {
    std::uint8_t sequence = 1;
    for (const std::size_t size : sizes) {
      ByteBuffer packets;
      append_packet(packets, sized_payload(size), &sequence);
      pair.send(packets);
    }
    pair.close_source();
  });
  PacketBlocks blocks(pair.ours(), kLargestPayload, 1min, {});
  for (const std::size_t size : sizes) {
    const auto payload = blocks.next(kStatusByte);
    ASSERT_TRUE(payload.ok()) << size << ": " << payload.error().context;
    EXPECT_TRUE(std::ranges::equal(*payload, sized_payload(size))) << size;
  }
  const auto over = blocks.next(kStatusByte);
  ASSERT_FALSE(over.ok());
  EXPECT_EQ(over.error().code, Errc::connection);
  source.join();
}

INSTANTIATE_TEST_SUITE_P(Socket, PacketBlocksOf, testing::Bool(),
                         [](const auto& info) { return info.param ? "Blocking" : "NonBlocking"; });

TEST(PacketBlocks, BeginsWithWhatWasReadAhead) {
  ByteBuffer packets;
  std::uint8_t sequence = 1;
  append_packet(packets, sized_payload(100), &sequence);
  append_packet(packets, sized_payload(200), &sequence);
  for (std::size_t ahead = 0; ahead <= packets.size(); ++ahead) {
    ConnectedPair pair;
    PacketBlocks blocks(pair.ours(), kLargestPayload, 1min, Bytes(packets).first(ahead));
    EXPECT_EQ(blocks.whole_packet_at_hand(), ahead >= 105) << ahead;
    pair.send(Bytes(packets).subspan(ahead));
    EXPECT_TRUE(std::ranges::equal(*blocks.next(kStatusByte), sized_payload(100)));
    EXPECT_TRUE(std::ranges::equal(*blocks.next(kStatusByte), sized_payload(200)));
    EXPECT_FALSE(blocks.whole_packet_at_hand());
  }
}

TEST(PacketBlocks, EndsWhenNothingComesInTime) {
  ConnectedPair pair;
  PacketBlocks blocks(pair.ours(), kLargestPayload, 2ms, {});
  const auto payload = blocks.next(kStatusByte);
  ASSERT_FALSE(payload.ok());
  EXPECT_EQ(payload.error().code, Errc::connection);
}

TEST(PacketBlocks, RefusesPayloadsAboveTheLimit) {
  const ByteBuffer one_packet = sized_payload(16'777'000), two_packets = sized_payload(16'777'300);
  for (const ByteBuffer& payload : {one_packet, two_packets}) {
    ConnectedPair pair;
    std::thread source([&] {
      ByteBuffer packets;
      std::uint8_t sequence = 1;
      append_packet(packets, payload, &sequence);
      Bytes left = packets;
      while (!left.empty()) {
        const ssize_t count = ::send(pair.source(), left.data(), left.size(), MSG_NOSIGNAL);
        if (count <= 0) return;
        left = left.subspan(static_cast<std::size_t>(count));
      }
    });
    {
      PacketBlocks blocks(pair.ours(), payload.size() - 1, 1min, {});
      const auto read = blocks.next(kStatusByte);
      ASSERT_FALSE(read.ok());
      EXPECT_EQ(read.error().code, Errc::limit);
    }
    ::shutdown(pair.ours(), SHUT_RDWR);
    source.join();
  }
}

}  // namespace
}  // namespace binrelay
