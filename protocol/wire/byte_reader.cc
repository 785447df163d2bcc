#include "protocol/wire/byte_reader.h"

namespace binrelay {

std::uint64_t ByteReader::length_encoded() {
  const std::uint8_t first = u8();
  if (first < 0xfb) return first;
  if (first == 0xfc) return u16();
  if (first == 0xfd) return u24();
  if (first == 0xfe) return u64();
  fail();
  return 0;
}

std::string_view ByteReader::nul_terminated_text() {
  const std::string_view rest_of_input = as_text(bytes_.subspan(at_));
  const std::size_t length = rest_of_input.find('\0');
  if (length == std::string_view::npos) {
    fail();
    return {};
  }
  at_ += length + 1;
  return rest_of_input.substr(0, length);
}

}  // namespace binrelay
