#pragma once
// Packets: 3 bytes length, 1 byte sequence, payload; payloads of 2^24-1 bytes go on in the next packet (MySQL manual,
// "Protocol::Packet").
#include <cstdint>
#include <optional>

#include "protocol/bytes.h"
#include "protocol/event/event_run.h"
#include "protocol/limits.h"
#include "protocol/packet/send_buffer.h"
#include "protocol/result.h"

namespace binrelay {

// PacketReader cuts incoming bytes into payloads. Bounded: a payload above `max_payload` is Errc::limit before it is
// buffered. Sequence bytes are not checked: clients differ, and TCP already orders the bytes.
// Thread:    the session's.
// Owner:     the session's packet channel.
// Invariant: begin_ <= buffer_.size(); joined_ holds the parts of a split payload while joining_, or the payload last
//            returned.
class PacketReader {
 public:
  explicit PacketReader(std::size_t max_payload) : max_payload_(max_payload) {}
  void set_max_payload(std::size_t max_payload) { max_payload_ = max_payload; }

  void feed(Bytes received);
  // The next whole payload (joined if it was split), or nothing yet. The view is valid until the next feed(), next() or
  // drop_leftover(). After an error every further call repeats it.
  Result<std::optional<Bytes>> next();
  // Sequence byte the reply to the last payload begins with.
  std::uint8_t reply_sequence() const { return reply_sequence_; }
  // Bytes received and not yet taken (pipelined commands, or the start of TLS).
  Bytes leftover() const;
  void drop_leftover();

 private:
  std::size_t max_payload_;
  ByteBuffer buffer_;
  std::size_t begin_ = 0;
  ByteBuffer joined_;
  bool joining_ = false;
  std::uint8_t reply_sequence_ = 0;
};

// Appends `payload` as packets to `out`, beginning with *sequence, which ends one past the last used. A payload whose
// length is a multiple of 2^24-1 is closed by an empty packet.
void append_packet(ByteBuffer& out, Bytes payload, std::uint8_t* sequence);
void append_packet(SendBuffer& out, Bytes payload, std::uint8_t* sequence);

// EventFramer frames binlog events for a dumping client without holding an event whole: 0x00 + event bytes, split at
// 2^24-1 like any payload.
// Thread:    the session's.
// Owner:     the dump stream.
// Invariant: outside an event (!in_event()) every packet begun is complete.
class EventFramer {
 public:
  static constexpr std::size_t kNeverLend = kMaxPacketPayload;

  explicit EventFramer(std::uint8_t sequence) : sequence_(sequence) {}
  // Begins an event of `event_size` bytes; the pieces that follow must add up to it.
  void begin(SendBuffer& out, std::uint64_t event_size);
  void piece(SendBuffer& out, Bytes bytes);
  // begin + piece for an event that is at hand.
  void whole(SendBuffer& out, Bytes event);
  // whole() for each event of the run; those of `lend_from` bytes or more are lent to `out`.
  void run(SendBuffer& out, const EventRun& run, std::size_t lend_from = kNeverLend);
  bool in_event() const { return event_left_ > 0; }
  std::uint8_t sequence() const { return sequence_; }
  // For the packet that ends the stream (EOF or ERR).
  std::uint8_t* mutable_sequence() { return &sequence_; }

 private:
  void begin_packet(SendBuffer& out);

  std::uint64_t event_left_ = 0;   // bytes of the payload still to come
  std::uint64_t packet_left_ = 0;  // of them in the packet begun
  bool packet_is_full_ = false;    // of 2^24-1 bytes: another packet follows
  std::uint8_t sequence_;
};

}  // namespace binrelay
