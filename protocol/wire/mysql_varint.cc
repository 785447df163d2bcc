#include "protocol/wire/mysql_varint.h"

#include <bit>
#include <cstring>

namespace binrelay {

std::uint64_t read_mysql_varint(ByteReader& in) {
  const std::uint8_t first = in.u8();
  const int following = std::countr_one(first);
  if (following == 8) return in.u64();

  const Bytes tail = in.take(static_cast<std::uint64_t>(following));
  std::uint64_t high = 0;
  if (!tail.empty()) std::memcpy(&high, tail.data(), tail.size());
  return static_cast<std::uint64_t>(first >> (following + 1)) | high << (7 - following);
}

void write_mysql_varint(ByteWriter& out, std::uint64_t value) {
  const int bits = std::bit_width(value | 1);
  const int size = (bits + 6) / 7;  // each byte gives 7 bits: one goes to the count
  if (size > 8) {
    out.u8(0xff).u64(value);
    return;
  }
  const std::uint64_t encoded = value << size | ((1ull << (size - 1)) - 1);
  out.bytes(Bytes(reinterpret_cast<const std::byte*>(&encoded), static_cast<std::size_t>(size)));
}

}  // namespace binrelay
