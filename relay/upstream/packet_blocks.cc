#include "relay/upstream/packet_blocks.h"

#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "protocol/check.h"
#include "protocol/event/event_header.h"
#include "protocol/limits.h"
#include "protocol/wire/byte_reader.h"

namespace binrelay {
namespace {

constexpr std::size_t kPacketHeader = 4;

std::size_t size_of_packet(Bytes unread) { return ByteReader(unread).u24(); }

}  // namespace

PacketBlocks::PacketBlocks(int socket, std::size_t max_payload, std::chrono::milliseconds patience, Bytes read_ahead)
    : socket_(socket),
      max_payload_(max_payload),
      patience_(patience),
      block_(std::make_unique_for_overwrite<std::byte[]>(kBlockSize)) {
  BINRELAY_CHECK(read_ahead.size() <= kBlockSize, "what was read ahead fits into a block");
  std::copy(read_ahead.begin(), read_ahead.end(), block_.get());
  filled_ = read_ahead.size();
}

bool PacketBlocks::whole_packet_at_hand() const {
  const Bytes bytes = unread();
  return bytes.size() >= kPacketHeader && bytes.size() - kPacketHeader >= size_of_packet(bytes);
}

void PacketBlocks::pass_over(std::size_t bytes) {
  BINRELAY_CHECK(bytes <= unread().size(), "what is passed over was at hand");
  begin_ += bytes;
}

Status PacketBlocks::read_some() {
  if (begin_ != 0) {
    std::memmove(block_.get(), block_.get() + begin_, filled_ - begin_);
    filled_ -= begin_;
    begin_ = 0;
  }
  for (;;) {
    const ssize_t count = ::recv(socket_, block_.get() + filled_, kBlockSize - filled_, MSG_DONTWAIT);
    if (count > 0) {
      filled_ += static_cast<std::size_t>(count);
      return Done{};
    }
    if (count == 0) return Error{Errc::connection, "the connection was closed"};
    if (errno == EAGAIN || errno == EWOULDBLOCK) {
      BINRELAY_TRY(wait_for_bytes());
      continue;
    }
    if (errno != EINTR) return Error{Errc::connection, std::strerror(errno)};
  }
}

Status PacketBlocks::wait_for_bytes() const {
  const auto until = std::chrono::steady_clock::now() + patience_;
  for (;;) {
    const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - std::chrono::steady_clock::now());
    pollfd readable{.fd = socket_, .events = POLLIN, .revents = 0};
    const int ready = ::poll(&readable, 1, static_cast<int>(std::max<std::int64_t>(left.count(), 0)));
    if (ready > 0) return Done{};
    if (ready == 0) return Error{Errc::connection, "nothing came in time"};
    if (errno != EINTR) return Error{Errc::connection, std::strerror(errno)};
  }
}

Status PacketBlocks::wait_for(std::size_t bytes) {
  while (unread().size() < bytes) BINRELAY_TRY(read_some());
  return Done{};
}

Result<Bytes> PacketBlocks::next(std::size_t before_event) {
  if (!joined_.empty()) ByteBuffer().swap(joined_);
  BINRELAY_TRY(wait_for(kPacketHeader));
  const std::size_t size = size_of_packet(unread());
  if (size > max_payload_) return Error{Errc::limit, "a packet of " + std::to_string(size) + " bytes"};
  if (size == kMaxPacketPayload || kPacketHeader + size > kBlockSize) return join(size, before_event);
  BINRELAY_TRY(wait_for(kPacketHeader + size));
  const Bytes payload = unread().subspan(kPacketHeader, size);
  begin_ += kPacketHeader + size;
  return payload;
}

// A payload that a block does not hold: its first packet, of `size` bytes, begins here.
Result<Bytes> PacketBlocks::join(std::size_t size, std::size_t before_event) {
  // The event says how large it is: a buffer that doubled on its way there would be twice as large.
  BINRELAY_TRY(wait_for(kPacketHeader + before_event + kEventHeaderSize));
  ByteReader event(unread().subspan(kPacketHeader + before_event));
  event.skip(kEventSizeOffset);
  joined_.reserve(std::clamp<std::size_t>(before_event + event.u32(), size, max_payload_));
  for (;;) {
    begin_ += kPacketHeader;
    for (std::size_t left = size; left > 0;) {
      BINRELAY_TRY(wait_for(1));
      const Bytes part = unread().first(std::min(left, unread().size()));
      joined_.insert(joined_.end(), part.begin(), part.end());
      begin_ += part.size();
      left -= part.size();
    }
    if (size < kMaxPacketPayload) return Bytes(joined_);
    BINRELAY_TRY(wait_for(kPacketHeader));
    size = size_of_packet(unread());
    if (joined_.size() + size > max_payload_) return Error{Errc::limit, "a payload larger than any event"};
  }
}

}  // namespace binrelay
