#include "protocol/filter/payload_events.h"

#include <zstd.h>

#include <algorithm>
#include <array>
#include <optional>

#include "protocol/check.h"
#include "protocol/event/event_checksum.h"
#include "protocol/limits.h"
#include "protocol/wire/byte_reader.h"
#include "protocol/wire/byte_writer.h"

namespace binrelay {
namespace {

enum PayloadField : std::uint64_t { kEndOfFields = 0, kPayloadSize = 1, kCompression = 2, kUncompressedSize = 3 };
constexpr std::uint64_t kZstd = 0, kUncompressed = 255;
constexpr std::size_t kMaxPayloadHead = 512;
constexpr int kMaxPayloadFields = 16;
constexpr std::size_t kUnpackStep = 128u << 10;
constexpr int kPackLevel = 3, kTighterLevel = 12;

Error bad_payload(const char* what) { return Error{Errc::malformed, std::string("transaction payload: ") + what}; }

struct PayloadFields {
  std::uint64_t compression = kUncompressed, payload_size = 0, uncompressed_size = 0;
  std::size_t length = 0;
};

// nullopt: more bytes are needed.
Result<std::optional<PayloadFields>> read_fields(Bytes head) {
  ByteReader in(head);
  PayloadFields fields;
  bool has_uncompressed_size = false;
  for (int count = 0; count <= kMaxPayloadFields; ++count) {
    const std::uint64_t id = in.length_encoded();
    if (!in.failed() && id == kEndOfFields) {
      fields.length = in.offset();
      if (!has_uncompressed_size) fields.uncompressed_size = fields.payload_size;
      return std::optional(fields);
    }
    const Bytes value = in.take(in.length_encoded());
    if (in.failed()) {
      if (head.size() >= kMaxPayloadHead) return bad_payload("fields");
      return std::optional<PayloadFields>();
    }
    ByteReader number(value);
    if (id == kPayloadSize) fields.payload_size = number.length_encoded();
    if (id == kCompression) fields.compression = number.length_encoded();
    if (id == kUncompressedSize) fields.uncompressed_size = number.length_encoded();
    has_uncompressed_size |= id == kUncompressedSize;
    if (number.failed()) return bad_payload("a field");
  }
  return bad_payload("too many fields");
}

std::size_t smallest_width(std::uint64_t value) {
  return value <= 250 ? 1 : value <= 0xffff ? 3 : value <= 0xffffff ? 4 : 9;
}

void write_wide(ByteWriter& out, std::uint64_t value, std::size_t width) {
  if (width == 1) {
    out.u8(static_cast<std::uint8_t>(value));
  } else if (width == 3) {
    out.u8(0xfc).u16(static_cast<std::uint16_t>(value));
  } else if (width == 4) {
    out.u8(0xfd).u24(static_cast<std::uint32_t>(value));
  } else {
    out.u8(0xfe).u64(value);
  }
}

// The three fields, each (id, length, number), and their end mark, in exactly `size` bytes: readers pass over a field
// they do not know, and take integers that are wider than they need.
std::optional<ByteBuffer> fields_of_size(std::uint64_t uncompressed_size, std::uint64_t payload_size,
                                         std::size_t size) {
  constexpr std::uint8_t kFilling = 250;
  constexpr std::size_t kWidths[]{1, 3, 4, 9};
  const std::size_t first = smallest_width(uncompressed_size);
  for (const std::size_t second : kWidths) {
    const std::size_t fixed = 3 + (2 + first) + (2 + second) + 1;
    if (second < smallest_width(payload_size) || fixed > size || size == fixed + 1) continue;
    ByteWriter out;
    out.u8(kCompression).u8(1).u8(kZstd);
    out.u8(kUncompressedSize).u8(static_cast<std::uint8_t>(first));
    write_wide(out, uncompressed_size, first);
    out.u8(kPayloadSize).u8(static_cast<std::uint8_t>(second));
    write_wide(out, payload_size, second);
    for (const std::size_t width : kWidths) {
      if (size == fixed) break;
      const std::size_t zeros = size - fixed - 1 - width;
      if (size < fixed + 1 + width || smallest_width(zeros) > width) continue;
      out.u8(kFilling);
      write_wide(out, zeros, width);
      out.zeros(zeros);
      break;
    }
    out.u8(kEndOfFields);
    return std::move(out).take();
  }
  return std::nullopt;
}

Result<ByteBuffer> packed_again(Bytes packed, std::uint64_t size, int level) {
  ByteBuffer plain(size);
  const std::size_t unpacked = ZSTD_decompress(plain.data(), plain.size(), packed.data(), packed.size());
  if (unpacked != size) return bad_payload("zstd reads back something else");
  ByteBuffer again(ZSTD_compressBound(size));
  const std::size_t length = ZSTD_compress(again.data(), again.size(), plain.data(), plain.size(), level);
  if (ZSTD_isError(length) != 0) return bad_payload("zstd failed");
  again.resize(length);
  return again;
}

}  // namespace

void PayloadEvents::EndZstd::operator()(ZSTD_DCtx_s* context) const { ZSTD_freeDCtx(context); }
void PayloadPacker::EndZstd::operator()(ZSTD_CCtx_s* context) const { ZSTD_freeCCtx(context); }

PayloadEvents::PayloadEvents() : zstd_(ZSTD_createDCtx()) {
  BINRELAY_CHECK(zstd_ != nullptr, "memory for zstd");
  ZSTD_DCtx_setParameter(zstd_.get(), ZSTD_d_windowLogMax, kMaxZstdWindowLog);
}
PayloadEvents::~PayloadEvents() = default;

Status PayloadEvents::feed(Bytes piece, const OnEvent& on_event) {
  if (head_read_) return feed_payload(piece, on_event);
  const std::size_t had = head_.size();
  const std::size_t taken = std::min(piece.size(), kMaxPayloadHead - had);
  head_.insert(head_.end(), piece.begin(), piece.begin() + static_cast<std::ptrdiff_t>(taken));
  BINRELAY_ASSIGN(const std::optional<PayloadFields> fields, read_fields(head_));
  if (!fields) return Done{};
  if (fields->compression != kZstd && fields->compression != kUncompressed)
    return Error{Errc::unsupported, "transaction payload: compression " + std::to_string(fields->compression)};
  head_read_ = true;
  compressed_ = fields->compression == kZstd;
  packed_left_ = fields->payload_size;
  declared_ = compressed_ ? fields->uncompressed_size : fields->payload_size;
  if (compressed_) out_.resize(kUnpackStep);
  const Bytes held = Bytes(head_).subspan(fields->length);
  BINRELAY_TRY(feed_payload(held, on_event));
  return feed_payload(piece.subspan(taken), on_event);
}

Status PayloadEvents::feed_payload(Bytes piece, const OnEvent& on_event) {
  if (piece.size() > packed_left_) return bad_payload("longer than it says");
  packed_left_ -= piece.size();
  if (!compressed_) return take_unpacked(piece, on_event);
  ZSTD_inBuffer in{piece.data(), piece.size(), 0};
  for (;;) {
    if (frame_over_) return in.pos == in.size ? Status(Done{}) : bad_payload("bytes behind the compressed ones");
    ZSTD_outBuffer out{out_.data(), out_.size(), 0};
    const std::size_t more = ZSTD_decompressStream(zstd_.get(), &out, &in);
    if (ZSTD_isError(more) != 0) return bad_payload("not what zstd writes");
    frame_over_ = more == 0;
    BINRELAY_TRY(take_unpacked(Bytes(out_).first(out.pos), on_event));
    if (!frame_over_ && in.pos == in.size && out.pos < out.size) return Done{};
  }
}

Status PayloadEvents::take_unpacked(Bytes bytes, const OnEvent& on_event) {
  unpacked_ += bytes.size();
  if (unpacked_ > declared_) return bad_payload("holds more than it declares");
  buffered_.insert(buffered_.end(), bytes.begin(), bytes.end());
  std::size_t at = 0;
  while (buffered_.size() - at >= kEventHeaderSize) {
    const Bytes rest = Bytes(buffered_).subspan(at);
    BINRELAY_ASSIGN(const EventHeader header, decode_event_header(rest));
    if (header.size > kMaxInnerEvent) return Error{Errc::limit, "transaction payload: an event of more than 256 MiB"};
    if (header.type == EventType::transaction_payload) return bad_payload("a payload inside");
    if (rest.size() < header.size) break;
    BINRELAY_TRY(on_event(header, rest.first(header.size)));
    at += header.size;
  }
  buffered_.erase(buffered_.begin(), buffered_.begin() + static_cast<std::ptrdiff_t>(at));
  return Done{};
}

Status PayloadEvents::finish() const {
  const bool whole = head_read_ && packed_left_ == 0 && (!compressed_ || frame_over_);
  if (!whole || unpacked_ != declared_ || !buffered_.empty()) return bad_payload("ends early");
  return Done{};
}

PayloadPacker::PayloadPacker() : zstd_(ZSTD_createCCtx()) {
  BINRELAY_CHECK(zstd_ != nullptr, "memory for zstd");
  ZSTD_CCtx_setParameter(zstd_.get(), ZSTD_c_compressionLevel, kPackLevel);
}
PayloadPacker::~PayloadPacker() = default;

Status PayloadPacker::add(Bytes inner_event) {
  size_ += inner_event.size();
  ZSTD_inBuffer in{inner_event.data(), inner_event.size(), 0};
  while (in.pos < in.size) {
    std::array<std::byte, 64u << 10> step;
    ZSTD_outBuffer out{step.data(), step.size(), 0};
    const std::size_t result = ZSTD_compressStream2(zstd_.get(), &out, &in, ZSTD_e_continue);
    if (ZSTD_isError(result) != 0) return bad_payload("zstd failed");
    packed_.insert(packed_.end(), step.begin(), step.begin() + static_cast<std::ptrdiff_t>(out.pos));
    if (packed_.size() > kMaxEventSize) return Error{Errc::limit, "transaction payload: too large to pack again"};
  }
  return Done{};
}

Result<ByteBuffer> PayloadPacker::finish(const EventHeader& like, ChecksumAlgorithm checksum) {
  for (std::size_t more = 1; more != 0;) {
    std::array<std::byte, 64u << 10> step;
    ZSTD_inBuffer in{nullptr, 0, 0};
    ZSTD_outBuffer out{step.data(), step.size(), 0};
    more = ZSTD_compressStream2(zstd_.get(), &out, &in, ZSTD_e_end);
    if (ZSTD_isError(more) != 0) return bad_payload("zstd failed");
    packed_.insert(packed_.end(), step.begin(), step.begin() + static_cast<std::ptrdiff_t>(out.pos));
  }
  const std::size_t trailer = checksum == ChecksumAlgorithm::crc32 ? kChecksumSize : 0;
  const std::size_t around = kEventHeaderSize + trailer;
  for (const int level : {kPackLevel, kTighterLevel, ZSTD_maxCLevel()}) {
    if (level != kPackLevel) {
      BINRELAY_ASSIGN(packed_, packed_again(packed_, size_, level));
    }
    if (around + packed_.size() > like.size) continue;
    const auto fields = fields_of_size(size_, packed_.size(), like.size - around - packed_.size());
    if (!fields) continue;
    ByteWriter event;
    event.u32(like.timestamp).u8(static_cast<std::uint8_t>(EventType::transaction_payload));
    event.u32(static_cast<std::uint32_t>(like.server_id));
    event.u32(like.size).u32(like.log_pos).u16(like.flags);
    event.bytes(*fields).bytes(packed_).zeros(trailer);
    ByteBuffer made = std::move(event).take();
    if (trailer != 0) rewrite_event_checksum(made);
    return made;
  }
  return Error{Errc::limit, "transaction payload: what is left of it does not fit in its place; use GTIDs"};
}

}  // namespace binrelay
