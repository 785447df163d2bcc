#pragma once
// ByteWriter appends little-endian wire bytes to a buffer it owns.
#include <cstdint>
#include <cstring>
#include <string_view>
#include <utility>

#include "protocol/bytes.h"

namespace binrelay {

class ByteWriter {
 public:
  ByteWriter& u8(std::uint8_t value) { return fixed<1>(value); }
  ByteWriter& u16(std::uint16_t value) { return fixed<2>(value); }
  ByteWriter& u24(std::uint32_t value) { return fixed<3>(value); }
  ByteWriter& u32(std::uint32_t value) { return fixed<4>(value); }
  ByteWriter& u48(std::uint64_t value) { return fixed<6>(value); }
  ByteWriter& u64(std::uint64_t value) { return fixed<8>(value); }
  ByteWriter& length_encoded(std::uint64_t value);
  ByteWriter& length_encoded_text(std::string_view text) { return length_encoded(text.size()).text(text); }
  ByteWriter& text(std::string_view text) { return bytes(as_bytes(text)); }
  ByteWriter& nul_terminated_text(std::string_view content) { return text(content).u8(0); }
  ByteWriter& bytes(Bytes source) {
    buffer_.insert(buffer_.end(), source.begin(), source.end());
    return *this;
  }
  ByteWriter& zeros(std::size_t count) {
    buffer_.resize(buffer_.size() + count);
    return *this;
  }

  // Overwrites bytes written before; `offset + sizeof(value)` must lie inside.
  void patch_u32(std::size_t offset, std::uint32_t value) {
    std::memcpy(buffer_.data() + offset, &value, sizeof value);
  }

  std::size_t size() const { return buffer_.size(); }
  Bytes view() const { return buffer_; }
  ByteBuffer take() && { return std::move(buffer_); }

 private:
  template <std::size_t kSize>
  ByteWriter& fixed(std::uint64_t value) {
    const auto* raw = reinterpret_cast<const std::byte*>(&value);
    buffer_.insert(buffer_.end(), raw, raw + kSize);
    return *this;
  }
  ByteBuffer buffer_;
};

}  // namespace binrelay
