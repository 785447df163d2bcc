#include "protocol/gtid/uuid.h"

#include <cstring>

#include "protocol/check.h"
#include "protocol/wire/ascii.h"

namespace binrelay {
namespace {

constexpr std::string_view kDigits = "0123456789abcdef";

constexpr bool dash_before_byte(std::size_t index) { return index == 4 || index == 6 || index == 8 || index == 10; }

}  // namespace

Result<Uuid> parse_uuid(std::string_view text) {
  const Error malformed{Errc::malformed, "'" + std::string(text.substr(0, 64)) + "' is not a UUID"};
  if (text.size() == 38 && text.front() == '{' && text.back() == '}') text = text.substr(1, 36);
  const bool dashed = text.size() == 36;
  if (!dashed && text.size() != 32) return malformed;

  Uuid uuid;
  std::size_t at = 0;
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (dashed && dash_before_byte(i) && text[at++] != '-') return malformed;
    const int high = hex_value(text[at++]);
    const int low = hex_value(text[at++]);
    if (high < 0 || low < 0) return malformed;
    uuid.bytes[i] = static_cast<std::uint8_t>(high << 4 | low);
  }
  return uuid;
}

std::string to_text(const Uuid& uuid) {
  std::string text;
  text.reserve(36);
  for (std::size_t i = 0; i < uuid.bytes.size(); ++i) {
    if (dash_before_byte(i)) text += '-';
    text += kDigits[uuid.bytes[i] >> 4];
    text += kDigits[uuid.bytes[i] & 0xf];
  }
  return text;
}

Uuid uuid_from_bytes(Bytes sixteen_bytes) {
  Uuid uuid;
  BINRELAY_CHECK(sixteen_bytes.size() == uuid.bytes.size(), "a UUID has 16 bytes");
  std::memcpy(uuid.bytes.data(), sixteen_bytes.data(), uuid.bytes.size());
  return uuid;
}

}  // namespace binrelay
