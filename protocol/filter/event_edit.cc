#include "protocol/filter/event_edit.h"

#include <cstring>
#include <optional>

#include "protocol/check.h"
#include "protocol/event/event_checksum.h"
#include "protocol/event/events.h"
#include "protocol/wire/byte_reader.h"
#include "protocol/wire/byte_writer.h"
#include "protocol/wire/mysql_varint.h"

namespace binrelay {
namespace {

constexpr std::size_t kLogPosAt = 13;
constexpr std::size_t kQueryPostHeader = 13;
constexpr std::string_view kBlankText = "/* filtered */";
constexpr std::string_view kSmallestBlank = "/**/";
constexpr std::size_t kMariadbFlagsAt = kEventHeaderSize + 12;
constexpr std::size_t kOnePhaseAt = kEventHeaderSize;

std::size_t trailer_of(ChecksumAlgorithm checksum) { return checksum == ChecksumAlgorithm::crc32 ? kChecksumSize : 0; }

ByteBuffer finished(ByteBuffer event, ChecksumAlgorithm checksum) {
  if (checksum == ChecksumAlgorithm::crc32) rewrite_event_checksum(event);
  return event;
}

ByteBuffer copy_of(Bytes event) { return ByteBuffer(event.begin(), event.end()); }

void write_head(ByteWriter& out, const EventHeader& like, EventType type, std::uint64_t size, std::uint32_t log_pos,
                std::uint16_t flags) {
  out.u32(like.timestamp).u8(static_cast<std::uint8_t>(type)).u32(static_cast<std::uint32_t>(like.server_id));
  out.u32(static_cast<std::uint32_t>(size)).u32(log_pos).u16(flags);
}

EventHeader header_of(Bytes event) {
  const auto header = decode_event_header(event);
  BINRELAY_CHECK(header.ok(), "an event that was decoded before");
  return *header;
}

// Where an integer stands in an event, and in how many bytes.
struct Place {
  std::size_t at = 0, width = 0;
};

std::optional<Place> untagged_length(Bytes body) {
  constexpr std::size_t kBeforeTimes = 1 + 16 + 8 + 1 + 8 + 8;
  ByteReader in(body);
  in.skip(kBeforeTimes);
  if (in.failed() || in.at_end()) return std::nullopt;
  if ((in.u56() >> 55) != 0) in.skip(7);
  if (in.failed() || in.at_end()) return std::nullopt;
  const std::size_t at = in.offset();
  in.length_encoded();
  if (in.failed()) return std::nullopt;
  return Place{kEventHeaderSize + at, in.offset() - at};
}

std::optional<Place> tagged_length(Bytes body) {
  enum Field : std::uint64_t { kUuid = 1, kTag = 3, kLength = 8 };
  ByteReader in(body);
  for (int i = 0; i < 3; ++i) read_mysql_varint(in);
  while (!in.failed() && !in.at_end()) {
    const std::uint64_t id = read_mysql_varint(in);
    if (id > kLength) break;
    const std::size_t at = in.offset();
    if (id == kUuid) {
      for (int i = 0; i < 16; ++i) read_mysql_varint(in);
    } else if (id == kTag) {
      in.skip(read_mysql_varint(in));
    } else {
      read_mysql_varint(in);
    }
    if (id == kLength && !in.failed()) return Place{kEventHeaderSize + at, in.offset() - at};
  }
  return std::nullopt;
}

// In `width` bytes, also where fewer would do. False: it does not fit.
bool put_length_encoded(std::byte* at, std::size_t width, std::uint64_t value) {
  const std::size_t digits = width == 1 ? 1 : width - 1;
  if (width == 1 && value > 250) return false;
  if (digits < 8 && value >> (8 * digits) != 0) return false;
  if (width > 1) *at++ = std::byte(width == 3 ? 0xfc : width == 4 ? 0xfd : 0xfe);
  std::memcpy(at, &value, digits);
  return true;
}

// The same; the trailing 1 bits of the first byte count the bytes that follow.
bool put_varint(std::byte* at, std::size_t width, std::uint64_t value) {
  if (width == 9) {
    *at = std::byte{0xff};
    std::memcpy(at + 1, &value, 8);
    return true;
  }
  if (value >> (7 * width) != 0) return false;
  const std::uint64_t ones = (1ull << (width - 1)) - 1;
  const std::uint64_t raw = value << width | ones;
  std::memcpy(at, &raw, width);
  return true;
}

// The event with `width` bytes at `place`; sizes in it are right again but for the field's own.
std::optional<ByteBuffer> with_width(Bytes event, Place place, std::size_t width, bool tagged,
                                     ChecksumAlgorithm checksum) {
  ByteBuffer copy = copy_of(event);
  if (width > place.width) {
    copy.insert(copy.begin() + static_cast<std::ptrdiff_t>(place.at), width - place.width, std::byte{0});
    const auto size = static_cast<std::uint32_t>(copy.size());
    std::memcpy(copy.data() + kEventSizeOffset, &size, sizeof size);
  }
  if (!tagged || width == place.width) return copy;
  ByteReader in(event.subspan(kEventHeaderSize));  // version, size of the message
  read_mysql_varint(in);
  const std::size_t at = in.offset();
  read_mysql_varint(in);
  const std::uint64_t message = copy.size() - kEventHeaderSize - trailer_of(checksum);
  if (!put_varint(copy.data() + kEventHeaderSize + at, in.offset() - at, message)) return std::nullopt;
  return copy;
}

ByteBuffer with_mariadb_flags_cleared(Bytes event, std::uint8_t flags, ChecksumAlgorithm checksum) {
  ByteBuffer copy = copy_of(event);
  BINRELAY_CHECK(copy.size() > kMariadbFlagsAt, "a GTID event that was decoded before");
  copy[kMariadbFlagsAt] &= ~std::byte{flags};
  return finished(std::move(copy), checksum);
}

}  // namespace

Result<ByteBuffer> with_group_size(Bytes gtid_event, std::uint64_t behind, ChecksumAlgorithm checksum) {
  BINRELAY_ASSIGN(const Bytes body, event_body(gtid_event, checksum));
  const bool tagged = header_of(gtid_event).type == EventType::gtid_tagged;
  const std::optional<Place> place = tagged ? tagged_length(body) : untagged_length(body);
  if (!place) return copy_of(gtid_event);
  for (std::size_t width = place->width; width <= 9; ++width) {
    const bool possible = tagged || width == 1 || width == 3 || width == 4 || width == 9;
    if (!possible) continue;
    std::optional<ByteBuffer> event = with_width(gtid_event, *place, width, tagged, checksum);
    if (!event) break;
    const std::uint64_t length = behind + event->size();
    std::byte* at = event->data() + place->at;
    const bool fits = tagged ? put_varint(at, width, length) : put_length_encoded(at, width, length);
    if (fits) return finished(*std::move(event), checksum);
  }
  return Error{Errc::limit, "GTID event: no room for the length of its transaction"};
}

ByteBuffer as_plain_mariadb_gtid(Bytes gtid_event, ChecksumAlgorithm checksum) {
  return with_mariadb_flags_cleared(gtid_event, MariadbGtidEvent::kStandalone | MariadbGtidEvent::kDdl, checksum);
}

ByteBuffer without_mariadb_ddl_flag(Bytes gtid_event, ChecksumAlgorithm checksum) {
  return with_mariadb_flags_cleared(gtid_event, MariadbGtidEvent::kDdl, checksum);
}

ByteBuffer with_statement_end(Bytes rows_event, ChecksumAlgorithm checksum) {
  ByteBuffer copy = copy_of(rows_event);
  BINRELAY_CHECK(copy.size() > kRowsFlagsOffset, "a rows event that was decoded before");
  copy[kRowsFlagsOffset] |= kStatementEndFlag;
  return finished(std::move(copy), checksum);
}

std::size_t query_size(std::string_view text, ChecksumAlgorithm checksum) {
  return kEventHeaderSize + kQueryPostHeader + 1 + text.size() + trailer_of(checksum);
}

ByteBuffer query_in_place_of(Bytes event, std::string_view text, ChecksumAlgorithm checksum) {
  const EventHeader like = header_of(event);
  ByteWriter out;
  write_head(out, like, EventType::query, query_size(text, checksum), like.log_pos, 0);
  const bool of_query = like.type == EventType::query || like.type == EventType::mariadb_query_compressed;
  std::uint32_t thread = 0;
  if (of_query && event.size() >= kEventHeaderSize + 4) std::memcpy(&thread, event.data() + kEventHeaderSize, 4);
  out.u32(thread).u32(0).u8(0).u16(0).u16(0).u8(0).text(text).zeros(trailer_of(checksum));
  return finished(std::move(out).take(), checksum);
}

bool can_be_blank(const EventHeader& query, ChecksumAlgorithm checksum) {
  return query.size >= query_size(kSmallestBlank, checksum);
}

ByteBuffer blank_query(Bytes query_event, ChecksumAlgorithm checksum) {
  const EventHeader like = header_of(query_event);
  BINRELAY_CHECK(can_be_blank(like, checksum), "a query with room for a comment");
  std::uint32_t thread = 0;
  std::memcpy(&thread, query_event.data() + kEventHeaderSize, 4);
  ByteWriter out;
  write_head(out, like, EventType::query, like.size, like.log_pos, 0);
  out.u32(thread).u32(0).u8(0).u16(0).u16(0).u8(0);
  const std::size_t length = like.size - query_size("", checksum);
  std::string text(length >= kBlankText.size() ? kBlankText : kSmallestBlank);
  text.resize(length, ' ');
  out.text(text).zeros(trailer_of(checksum));
  return finished(std::move(out).take(), checksum);
}

ByteBuffer as_one_phase(Bytes xa_prepare_event, ChecksumAlgorithm checksum) {
  ByteBuffer copy = copy_of(xa_prepare_event);
  BINRELAY_CHECK(copy.size() > kOnePhaseAt, "an XA_PREPARE event that was decoded before");
  copy[kOnePhaseAt] = std::byte{1};
  return finished(std::move(copy), checksum);
}

ByteBuffer unpacked_event(Bytes inner_event, std::uint32_t log_pos, ChecksumAlgorithm checksum) {
  ByteBuffer copy = copy_of(inner_event);
  copy.resize(copy.size() + trailer_of(checksum));
  const auto size = static_cast<std::uint32_t>(copy.size());
  std::memcpy(copy.data() + kEventSizeOffset, &size, sizeof size);
  std::memcpy(copy.data() + kLogPosAt, &log_pos, sizeof log_pos);
  return finished(std::move(copy), checksum);
}

std::size_t smallest_filler(ChecksumAlgorithm checksum) { return kEventHeaderSize + trailer_of(checksum); }

ByteBuffer filler(const EventHeader& like, std::uint64_t size, std::uint32_t log_pos, ChecksumAlgorithm checksum) {
  BINRELAY_CHECK(size >= smallest_filler(checksum), "a hole is as large as an event");
  ByteWriter out;
  write_head(out, like, EventType::ignorable, size, log_pos, kFlagIgnorable);
  out.zeros(size - kEventHeaderSize);
  return finished(std::move(out).take(), checksum);
}

}  // namespace binrelay
