#include "protocol/packet/packet_framer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "protocol/check.h"
#include "protocol/event/event_header.h"

namespace binrelay {

namespace {

constexpr std::size_t kHeaderSize = 4;
constexpr std::size_t kFrameSize = kHeaderSize + 1;  // every event is led by the OK status byte
// A reader that has nothing buffered gives back what a large statement made it grow to.
constexpr std::size_t kKeptCapacity = 64u << 10;

void empty(ByteBuffer& buffer) {
  buffer.clear();
  if (buffer.capacity() > kKeptCapacity) ByteBuffer().swap(buffer);
}

void append(ByteBuffer& out, Bytes bytes) { out.insert(out.end(), bytes.begin(), bytes.end()); }

std::array<std::byte, kHeaderSize> packet_header(std::uint64_t size, std::uint8_t sequence) {
  return {static_cast<std::byte>(size), static_cast<std::byte>(size >> 8), static_cast<std::byte>(size >> 16),
          static_cast<std::byte>(sequence)};
}

// Of an event that is one packet: the packet's header and the status byte. Behind `to` there is room for them.
std::byte* frame_head(std::byte* to, std::size_t event_size, std::uint8_t sequence) {
  const auto header = packet_header(event_size + 1, sequence);
  std::memcpy(to, header.data(), header.size());
  to[header.size()] = std::byte{0};
  return to + kFrameSize;
}

// The same with the event.
std::byte* frame(std::byte* to, Bytes event, std::uint8_t sequence) {
  to = frame_head(to, event.size(), sequence);
  std::memcpy(to, event.data(), event.size());
  return to + event.size();
}

}  // namespace

void PacketReader::feed(Bytes received) {
  if (begin_ == buffer_.size()) {
    drop_leftover();
  } else if (begin_ > buffer_.size() / 2) {  // each byte is moved at most once per halving, not once per packet
    buffer_.erase(buffer_.begin(), buffer_.begin() + static_cast<std::ptrdiff_t>(begin_));
    begin_ = 0;
  }
  append(buffer_, received);
}

Result<std::optional<Bytes>> PacketReader::next() {
  if (!joining_) empty(joined_);
  while (true) {
    const Bytes unread = leftover();
    if (unread.size() < kHeaderSize) return std::optional<Bytes>{};
    const std::size_t size = std::to_integer<std::size_t>(unread[0]) | std::to_integer<std::size_t>(unread[1]) << 8 |
                             std::to_integer<std::size_t>(unread[2]) << 16;
    if (joined_.size() + size > max_payload_) return Error{Errc::limit, "packet larger than this server accepts"};
    if (unread.size() < kHeaderSize + size) return std::optional<Bytes>{};

    begin_ += kHeaderSize + size;
    reply_sequence_ = static_cast<std::uint8_t>(std::to_integer<unsigned>(unread[3]) + 1);
    const Bytes payload = unread.subspan(kHeaderSize, size);
    const bool last = size < kMaxPacketPayload;
    if (last && !joining_) return std::optional<Bytes>{payload};

    append(joined_, payload);
    joining_ = !last;
    if (last) return std::optional<Bytes>{joined_};
  }
}

Bytes PacketReader::leftover() const { return Bytes(buffer_).subspan(begin_); }

void PacketReader::drop_leftover() {
  empty(buffer_);
  begin_ = 0;
}

void append_packet(ByteBuffer& out, Bytes payload, std::uint8_t* sequence) {
  out.reserve(out.size() + payload.size() + kHeaderSize * (payload.size() / kMaxPacketPayload + 1));
  while (true) {
    const Bytes part = payload.first(std::min(payload.size(), kMaxPacketPayload));
    append(out, packet_header(part.size(), (*sequence)++));
    append(out, part);
    payload = payload.subspan(part.size());
    if (part.size() < kMaxPacketPayload) return;
  }
}

void append_packet(SendBuffer& out, Bytes payload, std::uint8_t* sequence) {
  ByteBuffer packet;
  append_packet(packet, payload, sequence);
  out.append(packet);
}

void EventFramer::begin(SendBuffer& out, std::uint64_t event_size) {
  BINRELAY_CHECK(!in_event(), "an event begins inside another");
  event_left_ = event_size + 1;
  begin_packet(out);
  const std::byte ok{0};
  piece(out, Bytes(&ok, 1));
}

void EventFramer::whole(SendBuffer& out, Bytes event) {
  if (event.size() + 1 >= kMaxPacketPayload) {
    begin(out, event.size());
    return piece(out, event);
  }
  // Nearly every event is one packet: at millions a second the steps above would be most of what they cost.
  BINRELAY_CHECK(!in_event(), "an event begins inside another");
  frame(out.begin_append(kFrameSize + event.size()), event, sequence_++);
  out.end_append(kFrameSize + event.size());
}

void EventFramer::run(SendBuffer& out, const EventRun& run, std::size_t lend_from) {
  BINRELAY_CHECK(!in_event(), "a run begins inside an event");
  BINRELAY_CHECK(run.bytes.size() + 1 < kMaxPacketPayload, "each event of a run is one packet");
  std::byte* begin = out.begin_append(run.bytes.size() + run.count * kFrameSize);  // as if nothing were lent
  std::byte* to = begin;
  for (Bytes left = run.bytes; !left.empty();) {
    std::uint32_t size = 0;
    std::memcpy(&size, left.data() + kEventSizeOffset, sizeof size);
    if (size < lend_from) {
      to = frame(to, left.first(size), sequence_++);
    } else {
      to = frame_head(to, size, sequence_++);
      out.end_append(static_cast<std::size_t>(to - begin));
      out.lend(left.first(size));
      begin = to;
    }
    left = left.subspan(size);
  }
  out.end_append(static_cast<std::size_t>(to - begin));
}

void EventFramer::piece(SendBuffer& out, Bytes bytes) {
  BINRELAY_CHECK(bytes.size() <= event_left_, "more event bytes than announced");
  while (!bytes.empty()) {
    const Bytes part = bytes.first(std::min<std::uint64_t>(bytes.size(), packet_left_));
    out.append(part);
    bytes = bytes.subspan(part.size());
    packet_left_ -= part.size();
    event_left_ -= part.size();
    // A full packet is always followed by another, if only an empty one.
    if (packet_left_ == 0 && packet_is_full_) begin_packet(out);
  }
}

void EventFramer::begin_packet(SendBuffer& out) {
  packet_left_ = std::min<std::uint64_t>(event_left_, kMaxPacketPayload);
  packet_is_full_ = packet_left_ == kMaxPacketPayload;
  out.append(packet_header(packet_left_, sequence_++));
}

}  // namespace binrelay
