#include "protocol/filter/name_pattern.h"

#include <algorithm>

#include "protocol/wire/ascii.h"

namespace binrelay {
namespace {

bool continues_character(char c) { return (static_cast<unsigned char>(c) & 0xc0) == 0x80; }

std::size_t character_size(std::string_view text, std::size_t at) {
  std::size_t size = 1;
  while (at + size < text.size() && continues_character(text[at + size])) ++size;
  return size;
}

// The small letter of a capital one; both take two bytes of UTF-8.
char32_t small_letter(char32_t c) {
  const bool latin1 = c >= 0xc0 && c <= 0xde && c != 0xd7;
  const bool greek = c >= 0x391 && c <= 0x3a9 && c != 0x3a2;
  const bool cyrillic = c >= 0x410 && c <= 0x42f;
  if (latin1 || greek || cyrillic) return c + 0x20;
  if (c >= 0x400 && c <= 0x40f) return c + 0x50;
  const bool even_is_capital = (c >= 0x100 && c <= 0x137 && c != 0x130) || (c >= 0x14a && c <= 0x177);
  const bool odd_is_capital = (c >= 0x139 && c <= 0x148) || (c >= 0x179 && c <= 0x17e);
  if ((even_is_capital && c % 2 == 0) || (odd_is_capital && c % 2 == 1)) return c + 1;
  return c;
}

}  // namespace

bool is_name_pattern(std::string_view name) { return name.find_first_of("*?") != std::string_view::npos; }

// One point to fall back to: what the last * took grows until the rest fits.
bool name_matches(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0;
  std::size_t after_star = std::string_view::npos, taken_to = 0;
  while (n < name.size() || p < pattern.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      after_star = ++p;
      taken_to = n;
      continue;
    }
    if (p < pattern.size() && n < name.size() && (pattern[p] == '?' || pattern[p] == name[n])) {
      n += pattern[p] == '?' ? character_size(name, n) : 1;
      ++p;
      continue;
    }
    if (after_star == std::string_view::npos || taken_to == name.size()) return false;
    p = after_star;
    taken_to += character_size(name, taken_to);
    n = taken_to;
  }
  return true;
}

std::size_t literal_length(std::string_view pattern) {
  const auto wild = std::count_if(pattern.begin(), pattern.end(), [](char c) { return c == '*' || c == '?'; });
  return pattern.size() - static_cast<std::size_t>(wild);
}

std::string folded_name(std::string_view name) {
  std::string folded(name);
  for (std::size_t i = 0; i < folded.size(); ++i) {
    folded[i] = lower(folded[i]);
    const auto lead = static_cast<unsigned char>(folded[i]);
    if (lead < 0xc3 || lead > 0xd1 || i + 1 == folded.size() || !continues_character(folded[i + 1])) continue;
    const char32_t small = small_letter((lead & 0x1fu) << 6 | (static_cast<unsigned char>(folded[i + 1]) & 0x3fu));
    folded[i] = static_cast<char>(0xc0 | small >> 6);
    folded[i + 1] = static_cast<char>(0x80 | (small & 0x3f));
    ++i;
  }
  return folded;
}

}  // namespace binrelay
