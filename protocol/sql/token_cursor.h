#pragma once
// TokenCursor walks a statement with one token of look-ahead and sticky failure: parse on, then ask failed() once.
// A failed cursor stands at its end for good, so every loop over it ends. Copying it is a bookmark.
// Borrows: the text.
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <string_view>

#include "protocol/sql/sql_tokens.h"

namespace binrelay {

class TokenCursor {
 public:
  explicit TokenCursor(std::string_view text) : lexer_(text), current_(lexer_.next()) {}

  const SqlToken& peek() const { return current_; }
  bool at(SqlToken::Kind kind) const { return current_.kind == kind; }
  bool at_word(std::string_view word) const;
  bool at_one_of(std::span<const std::string_view> words) const;
  bool at_one_of(std::initializer_list<std::string_view> words) const {
    return at_one_of(std::span(words.begin(), words.size()));
  }
  bool at_symbol(std::string_view symbol) const;
  bool at_end() const { return at(SqlToken::Kind::end); }
  SqlToken take();

  bool accept(std::string_view word);                              // a keyword, in any case
  bool accept_all(std::initializer_list<std::string_view> words);  // this row of keywords, or nothing
  bool accept_one_of(std::initializer_list<std::string_view> words);
  bool accept_symbol(std::string_view symbol);
  void expect(std::string_view word);
  void expect_symbol(std::string_view symbol);
  std::string expect_name();    // word or `name`
  std::string expect_string();  // adjacent strings are one
  std::uint64_t expect_integer();

  void fail();  // the current token does not fit
  bool failed() const { return failed_; }
  std::size_t failed_at() const { return failed_at_; }
  std::size_t begin() const { return current_.begin; }
  std::size_t previous_end() const { return previous_end_; }

 private:
  SqlLexer lexer_;
  SqlToken current_;
  std::size_t previous_end_ = 0;
  std::size_t failed_at_ = 0;
  bool failed_ = false;
};

// MariaDB's SET STATEMENT max_statement_time=10 FOR SELECT 1, as MariaDB Connector/J says for a timeout: nothing here
// takes that long. Another setting could change what the statement answers, and is left to be refused.
bool accept_timeout_for(TokenCursor& in);

}  // namespace binrelay
