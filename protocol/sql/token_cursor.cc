#include "protocol/sql/token_cursor.h"

#include <algorithm>
#include <charconv>
#include <utility>

namespace binrelay {

bool TokenCursor::at_word(std::string_view word) const {
  return at(SqlToken::Kind::word) && equal_ignoring_case(current_.text, word);
}

bool TokenCursor::at_one_of(std::span<const std::string_view> words) const {
  return std::any_of(words.begin(), words.end(), [this](std::string_view word) { return at_word(word); });
}

bool TokenCursor::at_symbol(std::string_view symbol) const {
  return at(SqlToken::Kind::symbol) && current_.text == symbol;
}

SqlToken TokenCursor::take() {
  if (failed_) return {};
  previous_end_ = current_.begin + current_.text.size();
  return std::exchange(current_, lexer_.next());
}

bool TokenCursor::accept(std::string_view word) {
  if (!at_word(word)) return false;
  take();
  return true;
}

bool TokenCursor::accept_all(std::initializer_list<std::string_view> words) {
  if (words.size() > 0 && !at_word(*words.begin())) return false;
  const TokenCursor bookmark = *this;
  for (const std::string_view word : words) {
    if (accept(word)) continue;
    *this = bookmark;
    return false;
  }
  return true;
}

bool TokenCursor::accept_one_of(std::initializer_list<std::string_view> words) {
  if (!at_one_of(words)) return false;
  take();
  return true;
}

bool TokenCursor::accept_symbol(std::string_view symbol) {
  if (!at_symbol(symbol)) return false;
  take();
  return true;
}

void TokenCursor::expect(std::string_view word) {
  if (!accept(word)) fail();
}

void TokenCursor::expect_symbol(std::string_view symbol) {
  if (!accept_symbol(symbol)) fail();
}

std::string TokenCursor::expect_name() {
  if (at(SqlToken::Kind::word)) return std::string(take().text);
  if (at(SqlToken::Kind::quoted_name)) return take().value;
  fail();
  return {};
}

std::string TokenCursor::expect_string() {
  if (!at(SqlToken::Kind::string)) fail();
  std::string value;
  while (at(SqlToken::Kind::string)) value += take().value;
  return value;
}

std::uint64_t TokenCursor::expect_integer() {
  std::uint64_t value = 0;
  const std::string_view text = current_.text;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (!at(SqlToken::Kind::number) || error != std::errc{} || end != text.data() + text.size()) {
    fail();
    return 0;
  }
  take();
  return value;
}

void TokenCursor::fail() {
  if (failed_) return;
  failed_ = true;
  failed_at_ = current_.begin;
  current_ = {};
}

bool accept_timeout_for(TokenCursor& in) {
  TokenCursor ahead = in;
  if (!ahead.accept_all({"SET", "STATEMENT", "MAX_STATEMENT_TIME"}) || !ahead.accept_symbol("=")) return false;
  if (!ahead.at(SqlToken::Kind::number)) return false;
  ahead.take();
  if (!ahead.accept("FOR")) return false;
  in = ahead;
  return true;
}

}  // namespace binrelay
