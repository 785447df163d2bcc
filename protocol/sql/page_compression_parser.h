#pragma once
#include <optional>
#include <string_view>

#include "protocol/sql/statement.h"
#include "protocol/sql/token_cursor.h"

namespace binrelay {

// Behind the word SELECT. nullopt: something else is selected, or more than columns; `in` stands where it stood.
std::optional<PageCompressionStatement> parse_page_compression(TokenCursor& in, std::string_view text);

}  // namespace binrelay
