#pragma once
// The variable-length integer of MySQL's serialization library (MySQL server, libs/mysql/serialization): the trailing 1
// bits of the first byte count the bytes that follow, the value is what remains, little-endian; 0xff is followed by a
// plain u64. Used by tagged GTID events and tagged GTID sets. Not the protocol's length-encoded integer.
#include <cstdint>

#include "protocol/wire/byte_reader.h"
#include "protocol/wire/byte_writer.h"

namespace binrelay {

std::uint64_t read_mysql_varint(ByteReader& in);  // any length the writer chose, also a longer one than needed
void write_mysql_varint(ByteWriter& out, std::uint64_t value);  // the shortest form

// Signed fields are stored zigzag: 0, -1, 1, -2 … as 0, 1, 2, 3 …
constexpr std::int64_t zigzag_decoded(std::uint64_t value) {
  return static_cast<std::int64_t>(value >> 1) ^ -static_cast<std::int64_t>(value & 1);
}
constexpr std::uint64_t zigzag_encoded(std::int64_t value) {
  return (static_cast<std::uint64_t>(value) << 1) ^ static_cast<std::uint64_t>(value >> 63);
}

}  // namespace binrelay
