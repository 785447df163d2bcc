#pragma once
// ByteReader walks little-endian wire bytes with sticky failure: read everything, then ask failed() once.
// A read past the end returns zero / an empty range and fails the reader for good.
// Borrows: the bytes; views it returns point into them.
#include <cstdint>
#include <cstring>
#include <string_view>

#include "protocol/bytes.h"

namespace binrelay {

class ByteReader {
 public:
  explicit ByteReader(Bytes bytes) : bytes_(bytes) {}

  std::uint8_t u8() { return static_cast<std::uint8_t>(fixed<1>()); }
  std::uint16_t u16() { return static_cast<std::uint16_t>(fixed<2>()); }
  std::uint32_t u24() { return static_cast<std::uint32_t>(fixed<3>()); }
  std::uint32_t u32() { return static_cast<std::uint32_t>(fixed<4>()); }
  std::uint64_t u48() { return fixed<6>(); }
  std::uint64_t u56() { return fixed<7>(); }
  std::uint64_t u64() { return fixed<8>(); }
  std::uint64_t length_encoded();  // MySQL manual, "Protocol::LengthEncodedInteger"; 0xfb and 0xff fail

  Bytes take(std::uint64_t count) {
    if (count > remaining()) {
      fail();
      return {};
    }
    const Bytes taken = bytes_.subspan(at_, count);
    at_ += count;
    return taken;
  }
  void skip(std::uint64_t count) { take(count); }
  Bytes rest() { return take(remaining()); }
  std::string_view text(std::uint64_t count) { return as_text(take(count)); }
  std::string_view length_encoded_text() { return text(length_encoded()); }
  std::string_view nul_terminated_text();  // without the NUL; fails when there is none

  std::size_t offset() const { return at_; }
  std::size_t remaining() const { return bytes_.size() - at_; }
  bool at_end() const { return remaining() == 0; }
  bool failed() const { return failed_; }
  void fail() {
    failed_ = true;
    at_ = bytes_.size();
  }

 private:
  template <std::size_t kSize>
  std::uint64_t fixed() {
    const Bytes taken = take(kSize);
    std::uint64_t value = 0;
    if (!taken.empty()) std::memcpy(&value, taken.data(), kSize);
    return value;
  }

  Bytes bytes_;
  std::size_t at_ = 0;
  bool failed_ = false;
};

}  // namespace binrelay
