#pragma once
// Events made by hand, for what no sample of a real server holds.
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/event/event_checksum.h"
#include "protocol/event/event_header.h"
#include "protocol/wire/byte_writer.h"

namespace binrelay::made {

inline ByteBuffer event(EventType type, Bytes body, ChecksumAlgorithm checksum = ChecksumAlgorithm::crc32,
                        std::uint16_t flags = 0) {
  const std::size_t trailer = checksum == ChecksumAlgorithm::crc32 ? kChecksumSize : 0;
  ByteWriter out;
  out.u32(1700000000).u8(static_cast<std::uint8_t>(type)).u32(101);
  out.u32(static_cast<std::uint32_t>(kEventHeaderSize + body.size() + trailer)).u32(0).u16(flags);
  out.bytes(body).zeros(trailer);
  ByteBuffer made = std::move(out).take();
  if (trailer != 0) rewrite_event_checksum(made);
  return made;
}

inline ByteBuffer query_body(std::string_view text, std::string_view database = "") {
  ByteWriter body;
  body.u32(8).u32(0).u8(static_cast<std::uint8_t>(database.size())).u16(0).u16(0);
  body.nul_terminated_text(database).text(text);
  return std::move(body).take();
}

inline ByteBuffer mysql_gtid_body(std::uint64_t number, std::uint64_t transaction_length = 0) {
  ByteWriter body;
  body.u8(1).zeros(15).u8(0xaa).u64(number).u8(2).u64(0).u64(1);
  if (transaction_length != 0) body.zeros(7).length_encoded(transaction_length).u32(80036);
  return std::move(body).take();
}

inline ByteBuffer mariadb_gtid_body(std::uint64_t sequence, std::uint8_t flags) {
  ByteWriter body;
  body.u64(sequence).u32(0).u8(flags).zeros(6);
  return std::move(body).take();
}

}  // namespace binrelay::made
