#include "protocol/sql/quoted_text.h"

#include <cstdint>

namespace binrelay {
namespace {

// The code point that begins at `at`, which moves behind it. Not well-formed: a control character is returned.
std::uint32_t take_code_point(std::string_view text, std::size_t& at) {
  constexpr std::uint32_t kMalformed = 0;
  constexpr std::uint32_t kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
  const auto first = static_cast<unsigned char>(text[at++]);
  if (first < 0x80) return first;
  const std::size_t length = first >= 0xf8 ? 0 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : first >= 0xc0 ? 2 : 0;
  if (length == 0) return kMalformed;
  std::uint32_t point = first & (0xffu >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if (at == text.size() || (static_cast<unsigned char>(text[at]) & 0xc0) != 0x80) return kMalformed;
    point = point << 6 | (static_cast<unsigned char>(text[at++]) & 0x3fu);
  }
  const bool surrogate = point >= 0xd800 && point < 0xe000;
  return point < kSmallest[length] || point > 0x10ffff || surrogate ? kMalformed : point;
}

bool is_control(std::uint32_t point) { return point < 0x20 || (point >= 0x7f && point < 0xa0); }

std::string quoted_with(char quote, std::string_view text) {
  std::string result(1, quote);
  for (const char c : text) {
    if (c == quote || (c == '\\' && quote == '\'')) result += c;
    result += c;
  }
  return result += quote;
}

}  // namespace

bool is_plain_text(std::string_view text, std::size_t longest) {
  if (text.size() > longest) return false;
  for (std::size_t at = 0; at < text.size();) {
    if (is_control(take_code_point(text, at))) return false;
  }
  return true;
}

std::string hex_literal(std::string_view text) {
  constexpr std::string_view kDigits = "0123456789abcdef";
  std::string out = "CONVERT(x'";
  for (const char letter : text) {
    const auto byte = static_cast<unsigned char>(letter);
    out += kDigits[byte >> 4];
    out += kDigits[byte & 15];
  }
  return out + "' USING utf8mb4)";
}

std::string quoted_identifier(std::string_view name) { return quoted_with('`', name); }
std::string quoted_literal(std::string_view text) { return quoted_with('\'', text); }

}  // namespace binrelay
