#include <algorithm>

#include "protocol/sql/sql_tokens.h"
#include "protocol/sql/statement.h"

namespace binrelay {

namespace {

// LIKE with one point to fall back to: what the last % took grows until the rest fits.
// At worst |pattern| * |name| steps.
bool like(std::string_view pattern, std::string_view name) {
  std::size_t p = 0, n = 0;
  std::size_t after_percent = std::string_view::npos, taken_to = 0;
  while (n < name.size() || p < pattern.size()) {
    if (p < pattern.size() && pattern[p] == '%') {
      after_percent = ++p;
      taken_to = n;
      continue;
    }
    if (p < pattern.size() && n < name.size()) {
      const bool escaped = pattern[p] == '\\' && p + 1 < pattern.size();
      const std::size_t literal = escaped ? p + 1 : p;
      const bool any = !escaped && pattern[p] == '_';
      if (any || equal_ignoring_case(pattern.substr(literal, 1), name.substr(n, 1))) {
        p = literal + 1;
        ++n;
        continue;
      }
    }
    if (after_percent == std::string_view::npos || taken_to == name.size()) return false;
    p = after_percent;
    n = ++taken_to;
  }
  return true;
}

}  // namespace

bool matches(const NameFilter& filter, std::string_view name) {
  switch (filter.kind) {
    case NameFilter::Kind::all:
      return true;
    case NameFilter::Kind::like:
      return like(filter.values.front(), name);
    case NameFilter::Kind::equal:
    case NameFilter::Kind::in:
      break;
  }
  return std::any_of(filter.values.begin(), filter.values.end(),
                     [&](const std::string& value) { return equal_ignoring_case(value, name); });
}

}  // namespace binrelay
