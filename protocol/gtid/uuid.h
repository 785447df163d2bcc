#pragma once
// Uuid: the 16 bytes of a server_uuid.
#include <array>
#include <compare>
#include <cstdint>
#include <string>
#include <string_view>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace binrelay {

struct Uuid {
  std::array<std::uint8_t, 16> bytes{};
  friend auto operator<=>(const Uuid&, const Uuid&) = default;
};

// Accepts 8-4-4-4-12 hex digits, 32 hex digits, and the first form in braces, as mysqld does.
Result<Uuid> parse_uuid(std::string_view text);
std::string to_text(const Uuid& uuid);  // lower case, 8-4-4-4-12
Uuid uuid_from_bytes(Bytes sixteen_bytes);

}  // namespace binrelay
