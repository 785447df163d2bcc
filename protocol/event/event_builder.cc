#include "protocol/event/event_builder.h"

#include <cstring>

#include "protocol/check.h"
#include "protocol/event/event_checksum.h"
#include "protocol/event/event_header.h"
#include "protocol/wire/byte_writer.h"

namespace binrelay {
namespace {

constexpr std::size_t kCreatedOffset = kEventHeaderSize + 52;

// A whole event with timestamp 0: nothing this program makes happened at a time of the source.
ByteBuffer build_event(EventType type, ServerId server_id, std::uint32_t log_pos, std::uint16_t flags, Bytes body,
                       ChecksumAlgorithm checksum) {
  const std::size_t trailer = checksum == ChecksumAlgorithm::crc32 ? kChecksumSize : 0;
  ByteWriter out;
  out.u32(0).u8(static_cast<std::uint8_t>(type)).u32(static_cast<std::uint32_t>(server_id));
  out.u32(static_cast<std::uint32_t>(kEventHeaderSize + body.size() + trailer)).u32(log_pos).u16(flags);
  out.bytes(body).zeros(trailer);
  ByteBuffer event = std::move(out).take();
  if (trailer != 0) rewrite_event_checksum(event);
  return event;
}

}  // namespace

ByteBuffer build_fake_rotate(ServerId server_id, std::string_view file_name, std::uint64_t position,
                             ChecksumAlgorithm checksum) {
  ByteWriter body;
  body.u64(position).text(file_name);
  return build_event(EventType::rotate, server_id, 0, kFlagArtificial, body.view(), checksum);
}

ByteBuffer build_renamed_rotate(Bytes stored_event, std::string_view file_name, ChecksumAlgorithm checksum) {
  constexpr std::size_t kHead = kEventHeaderSize + 8;  // up to and with the position
  BINRELAY_CHECK(stored_event.size() >= kHead, "a rotate that was decoded before");
  const std::size_t trailer = checksum == ChecksumAlgorithm::crc32 ? kChecksumSize : 0;
  ByteWriter out;
  out.bytes(stored_event.first(kEventSizeOffset)).u32(static_cast<std::uint32_t>(kHead + file_name.size() + trailer));
  out.bytes(stored_event.subspan(kEventSizeOffset + 4, kHead - kEventSizeOffset - 4)).text(file_name).zeros(trailer);
  ByteBuffer event = std::move(out).take();
  if (trailer != 0) rewrite_event_checksum(event);
  return event;
}

ByteBuffer build_mid_file_format_description(Bytes stored_event, bool clear_log_pos) {
  BINRELAY_CHECK(stored_event.size() >= kCreatedOffset + 4 + kChecksumSize,
                 "a format description that was decoded before");
  ByteBuffer event(stored_event.begin(), stored_event.end());
  if (clear_log_pos) std::memset(event.data() + kLogPosOffset, 0, 4);
  std::memset(event.data() + kFlagsOffset, 0, 2);
  std::memset(event.data() + kCreatedOffset, 0, 4);
  rewrite_event_checksum(event);
  return event;
}

ByteBuffer build_heartbeat_v1(ServerId server_id, std::string_view file_name, std::uint64_t position,
                              ChecksumAlgorithm checksum) {
  return build_event(EventType::heartbeat, server_id, static_cast<std::uint32_t>(position), 0, as_bytes(file_name),
                     checksum);
}

ByteBuffer build_heartbeat_v2(ServerId server_id, std::string_view file_name, std::uint64_t position,
                              ChecksumAlgorithm checksum) {
  constexpr std::uint8_t kFileNameField = 1, kPositionField = 2, kEnd = 0;
  ByteWriter number;
  number.length_encoded(position);
  ByteWriter body;
  body.u8(kFileNameField).length_encoded_text(file_name);
  body.u8(kPositionField).length_encoded(number.size()).bytes(number.view());
  body.u8(kEnd);
  return build_event(EventType::heartbeat_v2, server_id, static_cast<std::uint32_t>(position), 0, body.view(),
                     checksum);
}

ByteBuffer build_fake_gtid_list(ServerId server_id, const std::vector<MariadbGtid>& gtids, std::uint8_t list_flags,
                                std::uint32_t log_pos, ChecksumAlgorithm checksum) {
  ByteWriter body;
  body.u32(static_cast<std::uint32_t>(gtids.size()) | static_cast<std::uint32_t>(list_flags) << 28);
  for (const MariadbGtid& gtid : gtids) body.u32(gtid.domain).u32(gtid.server).u64(gtid.sequence);
  if (gtids.empty()) body.zeros(2);  // MariaDB takes no GTID_LIST event below 6 body bytes
  return build_event(EventType::mariadb_gtid_list, server_id, log_pos, kFlagArtificial, body.view(), checksum);
}

}  // namespace binrelay
