#include "protocol/row/packed_decimal.h"

#include <array>
#include <cstdint>

namespace binrelay {
namespace {

constexpr unsigned kDigitsInGroup = 9;
constexpr std::array<std::size_t, 10> kBytesOfDigits{0, 1, 1, 2, 2, 3, 3, 4, 4, 4};

// Appends `digits` digits that stand in the next bytes.
bool append_group(ByteReader& in, unsigned digits, std::byte flip, bool* first, std::string& out) {
  std::uint32_t value = 0;
  for (std::size_t i = 0; i < kBytesOfDigits[digits]; ++i) {
    auto byte = static_cast<std::byte>(in.u8()) ^ flip;
    if (std::exchange(*first, false)) byte ^= std::byte{0x80};
    value = value << 8 | std::to_integer<std::uint32_t>(byte);
  }
  std::string text = std::to_string(value);
  if (text.size() > digits) return digits == 0 && value == 0;
  out.append(digits - text.size(), '0').append(text);
  return true;
}

}  // namespace

Result<std::string> read_packed_decimal(ByteReader& in, unsigned precision, unsigned scale) {
  constexpr unsigned kMaxPrecision = 65, kMaxScale = 38;  // MySQL has 30, MariaDB 38
  if (precision == 0 || precision > kMaxPrecision || scale > kMaxScale || scale > precision)
    return Error{Errc::malformed, "a decimal of " + std::to_string(precision) + " digits, " + std::to_string(scale) +
                                      " behind the point"};
  const unsigned whole = precision - scale;
  ByteReader peek = in;
  const bool negative = (peek.u8() & 0x80u) == 0;
  const std::byte flip = negative ? std::byte{0xff} : std::byte{0};
  bool first = true, fits = true;
  std::string before, behind;
  if (whole % kDigitsInGroup != 0) fits &= append_group(in, whole % kDigitsInGroup, flip, &first, before);
  for (unsigned i = 0; i < whole / kDigitsInGroup; ++i) fits &= append_group(in, kDigitsInGroup, flip, &first, before);
  for (unsigned i = 0; i < scale / kDigitsInGroup; ++i) fits &= append_group(in, kDigitsInGroup, flip, &first, behind);
  if (scale % kDigitsInGroup != 0) fits &= append_group(in, scale % kDigitsInGroup, flip, &first, behind);
  if (in.failed()) return Error{Errc::short_input, "rows event: a decimal"};
  if (!fits) return Error{Errc::malformed, "rows event: a decimal with too large a group"};
  before.erase(0, before.find_first_not_of('0'));
  return (negative ? "-" : "") + (before.empty() ? std::string("0") : before) + (scale == 0 ? "" : "." + behind);
}

}  // namespace binrelay
