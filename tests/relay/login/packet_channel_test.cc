#include "relay/login/packet_channel.h"

#include <gtest/gtest.h>
#include <openssl/ssl.h>

#include <algorithm>
#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/io_context.hpp>
#include <memory>
#include <thread>
#include <vector>

#include "relay/login/tls_context.h"
#include "tests/storage/log_bench.h"

namespace binrelay {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

ByteBuffer bytes_to_send(std::size_t size) {
  ByteBuffer bytes(size);
  for (std::size_t i = 0; i < size; ++i) bytes[i] = static_cast<std::byte>(i * 7 + i / 4096);
  return bytes;
}

// A client's end of a TLS connection, on a thread of its own: blocking.
class TlsPeer {
 public:
  explicit TlsPeer(int socket)
      : context_(SSL_CTX_new(TLS_client_method()), &SSL_CTX_free), ssl_(SSL_new(context_.get()), &SSL_free) {
    SSL_set_fd(ssl_.get(), socket);
  }
  bool shake_hands() { return SSL_connect(ssl_.get()) == 1; }
  // The server has to answer.
  bool ask_for_new_keys() {
    return SSL_key_update(ssl_.get(), SSL_KEY_UPDATE_REQUESTED) == 1 && SSL_do_handshake(ssl_.get()) == 1;
  }
  ByteBuffer read(std::size_t size) {
    ByteBuffer bytes(size);
    std::size_t at = 0, count = 0;
    while (at < size && SSL_read_ex(ssl_.get(), bytes.data() + at, size - at, &count) == 1) at += count;
    bytes.resize(at);
    return bytes;
  }

 private:
  std::unique_ptr<SSL_CTX, decltype(&SSL_CTX_free)> context_;
  std::unique_ptr<SSL, decltype(&SSL_free)> ssl_;
};

class PacketChannelTest : public ::testing::Test {
 protected:
  // What `serve` does with the channel runs here, the client on another thread.
  template <class Serve, class Play>
  void play(Serve serve, Play client) {
    tcp::acceptor acceptor(context_, tcp::endpoint(asio::ip::address_v4::loopback(), 0));
    tcp::socket theirs(context_);
    theirs.connect(acceptor.local_endpoint());
    const auto channel = std::make_shared<PacketChannel>(acceptor.accept());
    asio::co_spawn(context_, serve(channel), asio::detached);
    std::thread peer([&] {
      theirs.native_non_blocking(false);
      client(theirs.native_handle());
      theirs.close();
    });
    context_.run();
    peer.join();
  }

  asio::io_context context_;
};

// Reads until it has `received.size()` bytes or the connection ends.
void receive(int socket, ByteBuffer& received) {
  std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the connection is full
  std::size_t at = 0;
  while (at < received.size()) {
    const ssize_t count = ::recv(socket, received.data() + at, received.size() - at, 0);
    if (count <= 0) break;
    at += static_cast<std::size_t>(count);
  }
  EXPECT_EQ(at, received.size());
}

TEST_F(PacketChannelTest, SendsMoreThanTheConnectionTakesAtOnce) {
  const ByteBuffer sent = bytes_to_send(32u << 20);
  ByteBuffer received(sent.size());
  const auto serve = [&](std::shared_ptr<PacketChannel> channel) -> asio::awaitable<void> {
    channel->prepare_for_bulk();
    const Status done = co_await channel->send_eagerly(sent);
    EXPECT_TRUE(done.ok());
    EXPECT_TRUE(channel->waited());
    channel->close();
  };
  play(serve, [&](int socket) { receive(socket, received); });
  EXPECT_TRUE(received == sent);
}

TEST_F(PacketChannelTest, SendsPiecesInTheirOrder) {
  const ByteBuffer sent = bytes_to_send(32u << 20);
  std::vector<Bytes> pieces;
  for (Bytes left(sent); !left.empty();) {  // of 0 to 40,000 bytes
    pieces.push_back(left.first(std::min<std::size_t>(left.size(), pieces.size() * 7919 % 40'001)));
    left = left.subspan(pieces.back().size());
  }
  ByteBuffer received(sent.size());
  const auto serve = [&](std::shared_ptr<PacketChannel> channel) -> asio::awaitable<void> {
    const Status done = co_await channel->send_eagerly(pieces);
    EXPECT_TRUE(done.ok());
    EXPECT_TRUE(channel->waited());
    channel->close();
  };
  play(serve, [&](int socket) { receive(socket, received); });
  EXPECT_TRUE(received == sent);
}

// Its answer comes while what was encrypted before is still on its way.
TEST_F(PacketChannelTest, SurvivesAPeerThatAsksForNewKeysWhileItIsSentTo) {
  const TemporaryDirectory directory;
  ListenTlsConfig config;
  config.enabled = true;
  const auto tls = TlsContext::open(config, directory.path() / "tls").value();
  const ByteBuffer large = bytes_to_send(16u << 20), small = bytes_to_send(1000);
  ByteBuffer received;
  const auto serve = [&](std::shared_ptr<PacketChannel> channel) -> asio::awaitable<void> {
    const Status secured = co_await channel->start_tls(tls->context());
    EXPECT_TRUE(secured.ok());
    asio::co_spawn(context_, channel->drain(), asio::detached);
    for (int round = 0; round < 3; ++round) {
      const Status first = co_await channel->send_eagerly(large);
      EXPECT_TRUE(first.ok());
      channel->release_buffers();
      const Status second = co_await channel->send_raw(small);
      EXPECT_TRUE(second.ok());
    }
  };
  play(serve, [&](int socket) {
    TlsPeer peer(socket);
    ASSERT_TRUE(peer.shake_hands());
    for (int round = 0; round < 3; ++round) {
      std::this_thread::sleep_for(std::chrono::milliseconds(50));  // the connection is full
      for (int i = 0; i < 20; ++i) EXPECT_TRUE(peer.ask_for_new_keys());
      const ByteBuffer part = peer.read(large.size() + small.size());
      received.insert(received.end(), part.begin(), part.end());
    }
  });
  ByteBuffer expected;
  for (int round = 0; round < 3; ++round) {
    expected.insert(expected.end(), large.begin(), large.end());
    expected.insert(expected.end(), small.begin(), small.end());
  }
  EXPECT_TRUE(received == expected);
}

}  // namespace
}  // namespace binrelay
