#include "relay/dump/event_downgrade.h"

#include <cstring>
#include <string_view>

#include "protocol/event/event_checksum.h"
#include "protocol/event/event_header.h"
#include "protocol/wire/byte_reader.h"
#include "protocol/wire/byte_writer.h"

namespace binrelay {
namespace {

constexpr std::uint16_t kFlagThreadSpecific = 0x0004;
constexpr std::uint16_t kFlagSuppressUse = 0x0008;
constexpr std::size_t kQueryHeadSize =
    13;  // thread id, seconds, length of the database's name, error code, length of status variables
constexpr std::size_t kGtidFlagsOffset = 12;  // in the body, behind sequence and domain
constexpr std::uint8_t kGtidStandalone = 0x01;
constexpr std::uint8_t kStatusTimeZone =
    5;  // Q_TIME_ZONE_CODE: a length byte and a name; an empty name changes nothing
constexpr std::string_view kBegin = "BEGIN";

std::size_t checksum_size(ChecksumAlgorithm checksum) {
  return checksum == ChecksumAlgorithm::crc32 ? kChecksumSize : 0;
}

// The header of `event` as that of a QUERY, or of another type.
void write_header(ByteWriter& out, Bytes event, EventType type) {
  ByteReader in(event);
  const std::uint32_t timestamp = in.u32();
  in.skip(1);
  const std::uint32_t server_id = in.u32();
  const std::uint32_t size = in.u32();
  const std::uint32_t log_pos = in.u32();
  const auto flags = static_cast<std::uint16_t>((in.u16() & ~kFlagThreadSpecific) | kFlagSuppressUse);
  out.u32(timestamp).u8(static_cast<std::uint8_t>(type)).u32(server_id).u32(size).u32(log_pos).u16(flags);
}

ByteBuffer finish(ByteWriter& out, ChecksumAlgorithm checksum) {
  ByteBuffer buffer = std::move(out.zeros(checksum_size(checksum))).take();
  if (checksum == ChecksumAlgorithm::crc32) rewrite_event_checksum(buffer);
  return buffer;
}

// As a source says it (seen on MariaDB 10.11).
std::string dummy_text(Bytes event) {
  return "# Dummy event replacing event type " + std::to_string(std::to_integer<unsigned>(event[kTypeOffset])) +
         " that slave cannot handle.";
}

// A statement that is only a comment; an event too small for one becomes a user variable set to NULL.
Downgrade dummy(Bytes event, ChecksumAlgorithm checksum) {
  constexpr std::size_t kSmallestUserVar = 6;  // length, name of one letter, NULL flag
  const std::size_t fixed = kEventHeaderSize + checksum_size(checksum);
  if (event.size() < fixed + kSmallestUserVar) return SendAsIs{};
  const std::size_t body = event.size() - fixed;
  ByteWriter out;
  if (body < kQueryHeadSize + 2) {
    write_header(out, event, EventType::user_var);
    const std::size_t name = body - 5;
    out.u32(static_cast<std::uint32_t>(name)).text(std::string(name, '_')).u8(1);
    return finish(out, checksum);
  }
  write_header(out, event, EventType::query);
  out.zeros(kQueryHeadSize).u8(0);  // no database
  std::string text = dummy_text(event);
  text.resize(body - kQueryHeadSize - 1, ' ');
  out.text(text);
  return finish(out, checksum);
}

// GTID events open a transaction; those who do not know them need the BEGIN that stood there before.
Downgrade begin_query(Bytes event, ChecksumAlgorithm checksum) {
  const std::size_t smallest = kEventHeaderSize + kQueryHeadSize + 1 + kBegin.size() + checksum_size(checksum);
  if (event.size() < smallest) return SendAsIs{};
  // The text must be exactly BEGIN: empty time zones fill the event up, and a database's name of one letter an odd
  // rest.
  const std::size_t spare = event.size() - smallest;
  const std::size_t database = spare % 2;
  const std::size_t status = spare - database;
  ByteWriter out;
  write_header(out, event, EventType::query);
  out.u32(0).u32(0).u8(static_cast<std::uint8_t>(database)).u16(0).u16(static_cast<std::uint16_t>(status));
  for (std::size_t written = 0; written < status; written += 2) out.u8(kStatusTimeZone).u8(0);
  out.text(std::string(database, '_')).u8(0).text(kBegin);
  return finish(out, checksum);
}

bool is_standalone(Bytes event) {
  const std::size_t at = kEventHeaderSize + kGtidFlagsOffset;
  return at < event.size() && (std::to_integer<std::uint8_t>(event[at]) & kGtidStandalone) != 0;
}

}  // namespace

Downgrade downgrade_for_capability(Bytes event, int capability, ChecksumAlgorithm checksum, bool annotate_wanted) {
  const auto header = decode_event_header(event);
  if (!header) return SendAsIs{};
  const bool tolerates_holes = capability >= kCapabilityTolerateHoles;
  const auto without = [&]() -> Downgrade { return tolerates_holes ? Downgrade{LeaveOut{}} : dummy(event, checksum); };
  switch (header->type) {
    case EventType::mariadb_annotate_rows:
      if (annotate_wanted || capability == kCapabilityAnnotate) return SendAsIs{};
      return without();
    case EventType::mariadb_gtid:
      if (capability >= kCapabilityGtid) return SendAsIs{};
      return is_standalone(event) ? without() : begin_query(event, checksum);
    case EventType::mariadb_binlog_checkpoint:
      return capability >= kCapabilityBinlogCheckpoint ? Downgrade{SendAsIs{}} : without();
    case EventType::mariadb_gtid_list:
      return capability >= kCapabilityGtid ? Downgrade{SendAsIs{}} : without();
    default:
      return SendAsIs{};
  }
}

}  // namespace binrelay
