#pragma once
// The expressions of statements about table definitions, read from tokens and written anew: comparisons, LIKE, IN, IS
// NULL, BETWEEN, AND, OR, NOT, columns, literals and a few functions without side effects. No subqueries, variables,
// operators of arithmetic or other functions: reading one fails the cursor.
// Borrows: the cursor.
#include <string>
#include <string_view>

#include "protocol/sql/token_cursor.h"

namespace binrelay {

inline constexpr std::size_t kMaxMetadataName = 64 * 4;  // 64 characters (MySQL manual, "Identifier Length Limits")
inline constexpr std::size_t kMaxMetadataText = 1024;    // of a literal or pattern

class MetadataCondition {
 public:
  // `database`: the session's, which DATABASE() is.
  MetadataCondition(TokenCursor& in, std::string_view database) : in_(in), database_(database) {}
  std::string expression();  // "" when the cursor has failed

 private:
  std::string conjunction();
  std::string negation();
  std::string predicate();
  std::string behind_operand();
  std::string comparison();
  std::string operand();
  std::string number();
  std::string keyword_or_call();
  std::string call(const std::string& function);
  std::string arguments();
  std::string column();
  std::string failed();

  TokenCursor& in_;
  std::string database_;
  int depth_ = 0;
};

// A name, or a text in quotes, that may be sent; otherwise the cursor fails.
std::string metadata_name(TokenCursor& in);
std::string metadata_text(TokenCursor& in);

}  // namespace binrelay
