#pragma once
// Expressions of SELECT without FROM and of SET. Bounded by the two limits below: a failure at the token that passes them.
#include <cstddef>

#include "protocol/sql/statement.h"
#include "protocol/sql/token_cursor.h"

namespace binrelay {

inline constexpr std::size_t kMaxExpressionOperators = 64;  // operators, parentheses and calls of one expression: its tree's depth too
inline constexpr std::size_t kMaxListLength = 1024;         // select items, assignments, arguments, names of IN ()

// On failure the cursor has failed and the value means nothing.
Expression parse_expression(TokenCursor& in);
// Behind "@@": [global.|session.|local.]name, name.name.
SystemVariable parse_system_variable(TokenCursor& in);

}  // namespace binrelay
