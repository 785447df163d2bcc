#include "protocol/wire/byte_writer.h"

namespace binrelay {

ByteWriter& ByteWriter::length_encoded(std::uint64_t value) {
  if (value < 0xfb) return u8(static_cast<std::uint8_t>(value));
  if (value < 0x10000) return u8(0xfc).u16(static_cast<std::uint16_t>(value));
  if (value < 0x1000000) return u8(0xfd).u24(static_cast<std::uint32_t>(value));
  return u8(0xfe).u64(value);
}

}  // namespace binrelay
