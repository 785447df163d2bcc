#include "relay/login/packet_channel.h"

#include <linux/sockios.h>
#include <netinet/tcp.h>
#include <openssl/buffer.h>
#include <openssl/err.h>
#include <openssl/x509.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <cerrno>
#include <memory>

#include "protocol/limits.h"
#include "relay/login/near_peer.h"
#include "relay/login/unsent.h"

namespace binrelay {

namespace asio = boost::asio;
using asio::awaitable;
using asio::redirect_error;
using asio::use_awaitable;

namespace {

constexpr std::size_t kIdleRecords = 16u << 10;  // what a connection keeps that waits for more
constexpr std::size_t kReadSize = 8u << 10;
// A consumer whose machine has vanished is noticed within about a minute and a half before it has logged in. After that
// TCP_USER_TIMEOUT decides (tcp(7)): it also ends a connection whose peer is alive and reads nothing.
constexpr int kKeepaliveIdleSeconds = 60, kKeepaliveIntervalSeconds = 10, kKeepaliveProbes = 3;
constexpr auto kGoneCheckPeriod = std::chrono::seconds(1);

struct FreeRecords {
  void operator()(BIO* bio) const { BIO_free(bio); }
};

Error gone(const boost::system::error_code& code) { return Error{Errc::connection, code.message()}; }

void set_keepalive(int fd, int idle_seconds, int interval_seconds) {
  const int on = 1;
  ::setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPIDLE, &idle_seconds, sizeof idle_seconds);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPINTVL, &interval_seconds, sizeof interval_seconds);
  ::setsockopt(fd, IPPROTO_TCP, TCP_KEEPCNT, &kKeepaliveProbes, sizeof kKeepaliveProbes);
}

}  // namespace

PacketChannel::PacketChannel(asio::ip::tcp::socket socket)
    : socket_(std::move(socket)),
      deadline_(socket_.get_executor()),
      pause_(socket_.get_executor()),
      write_watch_(socket_.get_executor()),
      reader_(kMaxCommandSize),
      incoming_(kReadSize) {
  boost::system::error_code ignored;
  socket_.set_option(asio::ip::tcp::no_delay(true), ignored);
  set_keepalive(socket_.native_handle(), kKeepaliveIdleSeconds, kKeepaliveIntervalSeconds);
  const auto remote = socket_.remote_endpoint(ignored);
  peer_address_ = remote.address().to_string();
  peer_port_ = remote.port();
  local_port_ = socket_.local_endpoint(ignored).port();
}

awaitable<Result<std::size_t>> PacketChannel::read_some() {
  boost::system::error_code failed;
  std::size_t count = 0;
  const auto buffer = asio::buffer(incoming_.data(), incoming_.size());
  if (tls_) {
    count = co_await tls_->async_read_some(buffer, redirect_error(use_awaitable, failed));
  } else {
    count = co_await socket_.async_read_some(buffer, redirect_error(use_awaitable, failed));
  }
  if (failed) co_return gone(failed);
  co_return count;
}

awaitable<Result<Bytes>> PacketChannel::read_payload() {
  for (;;) {
    auto next = reader_.next();
    if (!next) co_return std::move(next).error();
    if (next->has_value()) {
      sequence_ = reader_.reply_sequence();
      co_return **next;
    }
    auto count = co_await read_some();
    if (!count) co_return std::move(count).error();
    reader_.feed(Bytes(incoming_).first(*count));
  }
}

awaitable<Status> PacketChannel::send_payload(Bytes payload) {
  outgoing_.clear();
  append_packet(outgoing_, payload, &sequence_);
  co_return co_await send_raw(outgoing_);
}

awaitable<Status> PacketChannel::send_raw(Bytes packets) {
  Status sent = co_await send_eagerly(packets);
  if (!waited_) co_await asio::post(socket_.get_executor(), use_awaitable);
  co_return sent;
}

awaitable<Status> PacketChannel::send_eagerly(Bytes packets) {
  co_return co_await send_eagerly(std::span(&packets, 1));
}

awaitable<Status> PacketChannel::send_eagerly(std::span<const Bytes> pieces) {
  waited_ = false;
  std::unique_ptr<BIO, FreeRecords> being_sent;
  Bytes records;
  if (tls_) {
    auto encrypted_now = encrypted(pieces);
    if (!encrypted_now) co_return std::move(encrypted_now).error();
    records = *encrypted_now;
    pieces = std::span(&records, 1);
  }
  Unsent unsent(pieces);
  while (!unsent.empty()) {
    if (unsent.send_some(socket_.native_handle())) continue;
    if (errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) co_return gone({errno, boost::system::system_category()});
    waited_ = true;
    if (!being_sent) being_sent.reset(replace_records());
    write_waits_ = Clock::now();
    boost::system::error_code failed;
    co_await socket_.async_wait(asio::socket_base::wait_write, redirect_error(use_awaitable, failed));
    write_waits_.reset();
    if (failed) co_return gone(failed);
  }
  if (tls_ && !being_sent) static_cast<void>(BIO_reset(SSL_get_wbio(tls_->native_handle())));
  co_return Done{};
}

Result<std::size_t> PacketChannel::send_at_once(std::span<const Bytes> pieces) {
  const std::lock_guard lock(open_);
  if (closed_) return Error{Errc::connection, "closed"};
  Unsent unsent(pieces);
  while (!unsent.empty()) {
    if (unsent.send_some(socket_.native_handle()) || errno == EINTR) continue;
    if (errno != EAGAIN && errno != EWOULDBLOCK) return gone({errno, boost::system::system_category()});
    break;
  }
  return unsent.taken();
}

// While these wait OpenSSL may have something to say itself, as when the peer asks for new keys: not behind them, where
// it could move them.
BIO* PacketChannel::replace_records() {
  if (!tls_) return nullptr;
  BIO* const records = SSL_get_wbio(tls_->native_handle());
  BIO_up_ref(records);
  SSL_set0_wbio(tls_->native_handle(), BIO_new(BIO_s_mem()));
  return records;
}

// All of it in one go, where OpenSSL puts it, until that is reset. The stream of Asio would encrypt and send one
// record of 16 KiB at a time.
Result<Bytes> PacketChannel::encrypted(std::span<const Bytes> pieces) {
  for (Bytes left : pieces) {
    while (!left.empty()) {  // a record at a time: Asio has set SSL_MODE_ENABLE_PARTIAL_WRITE
      std::size_t written = 0;
      ERR_clear_error();
      if (SSL_write_ex(tls_->native_handle(), left.data(), left.size(), &written) != 1)
        return Error{Errc::connection, "TLS: the connection cannot be written to"};
      left = left.subspan(written);
    }
  }
  char* records = nullptr;
  const long size = BIO_get_mem_data(SSL_get_wbio(tls_->native_handle()), &records);
  return Bytes(reinterpret_cast<const std::byte*>(records), static_cast<std::size_t>(size));
}

void PacketChannel::prepare_for_bulk() { bound_what_is_under_way(socket_.native_handle()); }

void PacketChannel::release_buffers() {
  if (!tls_) return;
  BUF_MEM* records = nullptr;
  BIO_get_mem_ptr(SSL_get_wbio(tls_->native_handle()), &records);
  if (records->length == 0 && records->max > kIdleRecords) SSL_set0_wbio(tls_->native_handle(), BIO_new(BIO_s_mem()));
}

awaitable<Status> PacketChannel::start_tls(asio::ssl::context& context) {
  // The client's hello may have come with its request for TLS.
  const Bytes left = reader_.leftover();
  const ByteBuffer hello(left.begin(), left.end());
  reader_.drop_leftover();
  tls_.emplace(socket_, context);
  boost::system::error_code failed;
  co_await tls_->async_handshake(asio::ssl::stream_base::server, asio::buffer(hello.data(), hello.size()),
                                 redirect_error(use_awaitable, failed));
  if (failed) co_return gone(failed);
  // From here on Asio's stream reads only. What OpenSSL itself has to say goes out with what is sent next.
  SSL_set0_wbio(tls_->native_handle(), BIO_new(BIO_s_mem()));
  co_return Done{};
}

awaitable<void> PacketChannel::drain() {
  while (!closed_) {
    const auto count = co_await read_some();
    if (!count) co_return;
  }
}

awaitable<void> PacketChannel::wait_until_gone() {
  // A peer that only closed its sending side answers keepalive probes; one that is gone resets the connection.
  if (closed_) co_return;
  set_keepalive(socket_.native_handle(), 1, 1);
  asio::steady_timer timer(socket_.get_executor());
  while (!closed_) {
    tcp_info state{};
    socklen_t size = sizeof state;
    if (::getsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_INFO, &state, &size) != 0 ||
        state.tcpi_state == TCP_CLOSE)
      co_return;
    timer.expires_after(kGoneCheckPeriod);
    boost::system::error_code ignored;
    co_await timer.async_wait(redirect_error(use_awaitable, ignored));
  }
}

awaitable<void> PacketChannel::pause(std::chrono::milliseconds time) {
  if (closed_ || time.count() == 0) co_return;
  boost::system::error_code ignored;
  pause_.expires_after(time);
  co_await pause_.async_wait(redirect_error(use_awaitable, ignored));
}

void PacketChannel::set_write_patience(std::chrono::milliseconds time) {
  write_patience_ = time;
  const auto unacknowledged_ms = static_cast<unsigned>(time.count());
  ::setsockopt(socket_.native_handle(), IPPROTO_TCP, TCP_USER_TIMEOUT, &unacknowledged_ms, sizeof unacknowledged_ms);
  watch_writes(Clock::now() + time);
}

std::optional<std::size_t> PacketChannel::unacknowledged_bytes() {
  int bytes = 0;
  if (closed_ || ::ioctl(socket_.native_handle(), SIOCOUTQ, &bytes) != 0) return std::nullopt;
  return static_cast<std::size_t>(bytes);
}

// One timer that looks now and then, instead of one for each write.
void PacketChannel::watch_writes(Clock::time_point until) {
  write_watch_.expires_at(until);
  write_watch_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
    const auto self = weak.lock();
    if (cancelled || !self || self->closed_) return;
    const auto now = Clock::now();
    const auto due = self->write_waits_.value_or(now) + self->write_patience_;
    if (due > now) return self->watch_writes(due);
    self->stalled_ = true;
    self->close();
  });
}

void PacketChannel::set_deadline(std::optional<std::chrono::milliseconds> time) {
  deadline_.cancel();
  if (!time) return;
  deadline_.expires_after(*time);
  deadline_.async_wait([weak = weak_from_this()](const boost::system::error_code& cancelled) {
    if (cancelled) return;
    if (const auto self = weak.lock()) self->close();
  });
}

void PacketChannel::close() {
  const std::lock_guard lock(open_);
  if (closed_) return;
  closed_ = true;
  deadline_.cancel();
  pause_.cancel();
  write_watch_.cancel();
  boost::system::error_code ignored;
  socket_.shutdown(asio::ip::tcp::socket::shutdown_both, ignored);
  socket_.close(ignored);
}

std::string PacketChannel::tls_version() const {
  return tls_ ? SSL_get_version(const_cast<PacketChannel*>(this)->tls_->native_handle()) : "";
}

std::optional<std::string> PacketChannel::peer_certificate_subject() const {
  if (!tls_) return std::nullopt;
  SSL* const ssl = const_cast<PacketChannel*>(this)->tls_->native_handle();
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(SSL_get1_peer_certificate(ssl), X509_free);
  if (!certificate || SSL_get_verify_result(ssl) != X509_V_OK) return std::nullopt;
  const std::unique_ptr<char, void (*)(char*)> subject(
      X509_NAME_oneline(X509_get_subject_name(certificate.get()), nullptr, 0), [](char* text) { OPENSSL_free(text); });
  return subject ? std::optional<std::string>(subject.get()) : std::nullopt;
}

std::string PacketChannel::tls_cipher() const {
  return tls_ ? SSL_get_cipher(const_cast<PacketChannel*>(this)->tls_->native_handle()) : "";
}

}  // namespace binrelay
