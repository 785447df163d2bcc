#pragma once
#include "protocol/sql/statement.h"
#include "protocol/sql/token_cursor.h"

namespace binrelay {

// Behind the word SET.
Statement parse_set(TokenCursor& in);

}  // namespace binrelay
