#pragma once
#include "protocol/sql/statement.h"
#include "protocol/sql/token_cursor.h"

namespace binrelay {

// Behind the word SHOW.
Statement parse_show(TokenCursor& in);

}  // namespace binrelay
