#pragma once
// PacketChannel: packets over a TCP connection, with TLS when the client asks for it.
// Thread: the io thread the socket belongs to, but for send_at_once(). Owner: Session. One read and one write may be
// under way at a time.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ssl/context.hpp>
#include <boost/asio/ssl/stream.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstdint>
#include <memory>
#include <mutex>
#include <optional>
#include <span>
#include <string>

#include "protocol/bytes.h"
#include "protocol/packet/packet_framer.h"
#include "protocol/result.h"

namespace binrelay {

class PacketChannel : public std::enable_shared_from_this<PacketChannel> {
 public:
  explicit PacketChannel(boost::asio::ip::tcp::socket socket);

  // The next payload; the view holds until the next read. Errc::connection: the peer has gone or the deadline has
  // passed; Errc::limit: a payload larger than allowed.
  boost::asio::awaitable<Result<Bytes>> read_payload();
  // Sends one payload as packets, going on from the sequence of the last payload read or sent.
  boost::asio::awaitable<Status> send_payload(Bytes payload);
  // Sends bytes that are packets already. Others have the thread meanwhile.
  boost::asio::awaitable<Status> send_raw(Bytes packets);
  // The same, but keeps the thread while the connection takes what it is given; waited() says whether it did not.
  boost::asio::awaitable<Status> send_eagerly(Bytes packets);
  // In pieces, which are read where they are. Over TLS each piece is made records of its own.
  boost::asio::awaitable<Status> send_eagerly(std::span<const Bytes> pieces);
  bool waited() const { return waited_; }
  // Much is going to be sent; see near_peer.h.
  void prepare_for_bulk();
  // How much of them the connection takes now. By any thread while nothing else is sent: it keeps the socket from being
  // closed meanwhile. Only without TLS.
  Result<std::size_t> send_at_once(std::span<const Bytes> pieces);
  // Nothing is sent for a while.
  void release_buffers();
  boost::asio::awaitable<Status> start_tls(boost::asio::ssl::context& context);
  // Reads and forgets until the peer closes its side or the channel closes: while a client dumps, whatever it says is
  // not for us.
  boost::asio::awaitable<void> drain();
  // After the peer has closed its side: returns when the connection is gone altogether.
  boost::asio::awaitable<void> wait_until_gone();

  // Returns after `time`, or when the channel is closed.
  boost::asio::awaitable<void> pause(std::chrono::milliseconds time);

  // From now on a peer that takes nothing for `time` while something waits to be sent loses the connection, and so does
  // one whose machine acknowledges nothing for so long.
  void set_write_patience(std::chrono::milliseconds time);
  bool stalled() const { return stalled_; }  // closed for that
  // What was sent and the peer's machine has not acknowledged; nullopt: the connection is gone.
  std::optional<std::size_t> unacknowledged_bytes();

  // Closes the channel after `time` unless called again; nullopt: no deadline.
  void set_deadline(std::optional<std::chrono::milliseconds> time);
  void set_max_payload(std::size_t bytes) { reader_.set_max_payload(bytes); }
  void close();
  bool closed() const { return closed_; }

  std::uint8_t* sequence() { return &sequence_; }
  std::string peer_address() const { return peer_address_; }
  std::uint16_t peer_port() const { return peer_port_; }
  std::uint16_t local_port() const { return local_port_; }
  bool has_tls() const { return tls_.has_value(); }
  std::string tls_version() const;  // "" without TLS
  std::string tls_cipher() const;
  // Of the certificate the peer has shown, when the TLS context's authorities vouch for it: "/O=shop/CN=replica1".
  std::optional<std::string> peer_certificate_subject() const;
  boost::asio::any_io_executor executor() { return socket_.get_executor(); }

 private:
  using Clock = std::chrono::steady_clock;
  boost::asio::awaitable<Result<std::size_t>> read_some();
  Result<Bytes> encrypted(std::span<const Bytes> pieces);
  BIO* replace_records();  // the caller's; nullptr without TLS
  void watch_writes(Clock::time_point until);

  std::mutex open_;  // the socket stays what it is
  boost::asio::ip::tcp::socket socket_;
  std::optional<boost::asio::ssl::stream<boost::asio::ip::tcp::socket&>> tls_;
  boost::asio::steady_timer deadline_, pause_, write_watch_;
  std::chrono::milliseconds write_patience_{0};   // 0: not watched
  std::optional<Clock::time_point> write_waits_;  // since the peer last took something
  PacketReader reader_;
  ByteBuffer incoming_;
  ByteBuffer outgoing_;
  std::string peer_address_;
  std::uint16_t peer_port_ = 0, local_port_ = 0;
  std::uint8_t sequence_ = 0;
  bool closed_ = false, stalled_ = false, waited_ = false;
};

}  // namespace binrelay
