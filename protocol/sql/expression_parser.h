#pragma once
// Expressions of SELECT without FROM and of SET. Bounded by the two limits below: a failure at the token that passes
// them.
#include <cstddef>

#include "protocol/sql/statement.h"
#include "protocol/sql/token_cursor.h"

namespace binrelay {

// Operators, parentheses and calls of one expression, and so the depth of its tree.
inline constexpr std::size_t kMaxExpressionOperators = 64;
// Select items, assignments, arguments, names of IN ().
inline constexpr std::size_t kMaxListLength = 1024;

// On failure the cursor has failed and the value means nothing.
Expression parse_expression(TokenCursor& in);
// Behind "@@": [global.|session.|local.]name, name.name.
SystemVariable parse_system_variable(TokenCursor& in);

}  // namespace binrelay
