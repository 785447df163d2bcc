#pragma once
// Bytes: a borrowed range of raw bytes, the currency of protocol/.
#include <cstddef>
#include <cstdint>
#include <span>
#include <string_view>
#include <vector>

namespace binrelay {

using Bytes = std::span<const std::byte>;
using ByteBuffer = std::vector<std::byte>;

inline std::string_view as_text(Bytes bytes) { return {reinterpret_cast<const char*>(bytes.data()), bytes.size()}; }
inline Bytes as_bytes(std::string_view text) { return {reinterpret_cast<const std::byte*>(text.data()), text.size()}; }

}  // namespace binrelay
