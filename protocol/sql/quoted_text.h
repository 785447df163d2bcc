#pragma once
// Names and texts written into a statement for a server whose connection has the character set utf8mb4 and an sql_mode
// without ANSI_QUOTES and NO_BACKSLASH_ESCAPES (MySQL manual, "Schema Object Names", "String Literals").
#include <cstddef>
#include <string>
#include <string_view>

namespace binrelay {

// Well-formed UTF-8 of at most `longest` bytes without control characters: what every reader takes for the same text.
bool is_plain_text(std::string_view text, std::size_t longest);

// For a connection with any sql_mode and character set, any bytes: CONVERT(x'…' USING utf8mb4).
std::string hex_literal(std::string_view text);

// Both take what is_plain_text() is.
std::string quoted_identifier(std::string_view name);  // `name`
std::string quoted_literal(std::string_view text);     // 'text'

}  // namespace binrelay
