#include "protocol/sql/sql_tokens.h"

#include <algorithm>
#include <utility>

#include "protocol/wire/ascii.h"

namespace binrelay {

namespace {

bool is_word_begin(char c) {
  return (lower(c) >= 'a' && lower(c) <= 'z') || c == '_' || static_cast<unsigned char>(c) >= 0x80;
}
bool is_word(char c) { return is_word_begin(c) || is_digit(c) || c == '$'; }

char unescaped(char c) {
  switch (c) {
    case '0':
      return '\0';
    case 'b':
      return '\b';
    case 'n':
      return '\n';
    case 'r':
      return '\r';
    case 't':
      return '\t';
    case 'Z':
      return '\x1a';
    default:
      return c;
  }
}

}  // namespace

bool equal_ignoring_case(std::string_view left, std::string_view right) {
  return std::equal(left.begin(), left.end(), right.begin(), right.end(),
                    [](char a, char b) { return lower(a) == lower(b); });
}

std::string to_lower(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), lower);
  return result;
}

std::string to_upper(std::string_view text) {
  std::string result(text);
  std::transform(result.begin(), result.end(), result.begin(), upper);
  return result;
}

// Some old clients send the terminating NUL along.
SqlLexer::SqlLexer(std::string_view text) : text_(text.substr(0, text.find_last_not_of('\0') + 1)) {}

SqlToken SqlLexer::next() {
  if (!skip_space_and_comments()) return invalid();
  if (at_ == text_.size()) return token(SqlToken::Kind::end, at_);
  const char c = text_[at_];
  const char following = at(at_ + 1);

  if (c == '\'' || c == '"') return quoted(SqlToken::Kind::string, at_);
  if (c == '`') return quoted(SqlToken::Kind::quoted_name, at_);
  if (is_digit(c) || (c == '.' && is_digit(following))) return number_or_word();
  if (following == '\'' && (lower(c) == 'x' || lower(c) == 'b')) {
    const std::size_t close = text_.find('\'', at_ + 2);
    if (close == std::string_view::npos) return invalid();
    return bits(at_ + 2, close, close + 1, lower(c) == 'x' ? 4 : 1);
  }
  if (is_word_begin(c)) {
    std::size_t end = at_;
    while (is_word(at(end))) ++end;
    return token(SqlToken::Kind::word, end);
  }
  if (c == '@' && following != '@') return user_variable();
  if (rest().starts_with("@@") || rest().starts_with(":=")) return token(SqlToken::Kind::symbol, at_ + 2);
  static constexpr std::string_view kSymbols = "()[]{},;.=+-*/%<>!&|^~?:";
  if (kSymbols.find(c) != std::string_view::npos) return token(SqlToken::Kind::symbol, at_ + 1);
  return invalid();
}

bool SqlLexer::skip_space_and_comments() {
  while (true) {
    while (at_ < text_.size() && is_space(text_[at_])) ++at_;
    const bool dashes =
        rest().starts_with("--") && (at_ + 2 == text_.size() || static_cast<unsigned char>(at(at_ + 2)) <= ' ');
    if (dashes || at(at_) == '#') {
      at_ = std::min(text_.find('\n', at_), text_.size());
    } else if (in_code_comment_ && rest().starts_with("*/")) {
      in_code_comment_ = false;
      at_ += 2;
    } else if (rest().starts_with("/*")) {
      if (!skip_comment()) return false;
    } else if (at_ == text_.size() && in_code_comment_) {
      at_ = code_comment_at_;
      return false;
    } else {
      return true;
    }
  }
}

// A comment as a whole, or only the opening of an executable one: "/*!", "/*!40101", "/*M!100100".
bool SqlLexer::skip_comment() {
  const std::size_t mark = at_ + (at(at_ + 2) == 'M' ? 3 : 2);
  if (at(mark) == '!' && !in_code_comment_) {
    code_comment_at_ = at_;
    in_code_comment_ = true;
    std::size_t digits = 0;
    while (digits < 6 && is_digit(at(mark + 1 + digits))) ++digits;
    at_ = mark + 1 + (digits >= 5 ? digits : 0);
    return true;
  }
  const std::size_t close = text_.find("*/", at_ + 2);
  if (close == std::string_view::npos) return false;
  at_ = close + 2;
  return true;
}

SqlToken SqlLexer::token(SqlToken::Kind kind, std::size_t end, std::string value) {
  SqlToken result{kind, text_.substr(at_, end - at_), std::move(value), at_};
  at_ = end;
  return result;
}

// An invalid token reaches to the end of the text, so that it is the last.
SqlToken SqlLexer::invalid() { return {SqlToken::Kind::invalid, rest(), {}, at_}; }

// From the token's first byte (at_) to the quote that closes the one at `quote_at`. A doubled quote stands for itself.
SqlToken SqlLexer::quoted(SqlToken::Kind kind, std::size_t quote_at) {
  const char quote = text_[quote_at];
  std::string value;
  for (std::size_t i = quote_at + 1; i < text_.size(); ++i) {
    const char c = text_[i];
    if (c == quote && at(i + 1) != quote) return token(kind, i + 1, std::move(value));
    if (c == quote) {
      value += text_[i++];
    } else if (c == '\\' && quote != '`' && i + 1 < text_.size()) {
      const char escaped = text_[++i];
      // \% and \_ keep their backslash: they only mean something to LIKE.
      if (escaped == '%' || escaped == '_') value += '\\';
      value += unescaped(escaped);
    } else {
      value += c;
    }
  }
  return invalid();
}

SqlToken SqlLexer::bits(std::size_t digits_at, std::size_t digits_end, std::size_t end, unsigned bits_per_digit) {
  const std::size_t count = digits_end - digits_at;
  const std::size_t digits_per_byte = 8 / bits_per_digit;
  std::string value((count + digits_per_byte - 1) / digits_per_byte, '\0');
  for (std::size_t i = 0; i < count; ++i) {  // the last digit fills the lowest bits of the last byte
    const int digit = hex_value(text_[digits_end - 1 - i]);
    if (digit < 0 || digit >= 1 << bits_per_digit) return invalid();
    char& byte = value[value.size() - 1 - i / digits_per_byte];
    byte = static_cast<char>(byte | digit << (i % digits_per_byte * bits_per_digit));
  }
  return token(SqlToken::Kind::bit_string, end, std::move(value));
}

// 1, 1.5, .5, 1e-5, 0x1f, 0b01; and names that begin with a digit.
SqlToken SqlLexer::number_or_word() {
  const auto skip = [this](std::size_t from, auto belongs) {
    while (from < text_.size() && belongs(text_[from])) ++from;
    return from;
  };
  const std::size_t word_end = skip(at_, is_word);
  if (rest().starts_with("0x") && word_end > at_ + 2) {
    const std::size_t end = skip(at_ + 2, [](char c) { return hex_value(c) >= 0; });
    if (end == word_end) return bits(at_ + 2, end, end, 4);
  }
  if (rest().starts_with("0b") && word_end > at_ + 2) {
    const std::size_t end = skip(at_ + 2, [](char c) { return c == '0' || c == '1'; });
    if (end == word_end) return bits(at_ + 2, end, end, 1);
  }
  std::size_t end = skip(at_, is_digit);
  if (at(end) == '.') end = skip(end + 1, is_digit);
  if (lower(at(end)) == 'e') {
    const std::size_t sign = at(end + 1) == '+' || at(end + 1) == '-' ? 1 : 0;
    const std::size_t exponent_end = skip(end + 1 + sign, is_digit);
    if (exponent_end > end + 1 + sign) end = exponent_end;
  }
  return end < word_end ? token(SqlToken::Kind::word, word_end) : token(SqlToken::Kind::number, end);
}

SqlToken SqlLexer::user_variable() {
  const char quote = at(at_ + 1);
  if (quote == '\'' || quote == '"' || quote == '`') return quoted(SqlToken::Kind::user_variable, at_ + 1);
  std::size_t end = at_ + 1;
  while (is_word(at(end)) || at(end) == '.') ++end;
  if (end == at_ + 1) return invalid();
  return token(SqlToken::Kind::user_variable, end, std::string(text_.substr(at_ + 1, end - at_ - 1)));
}

}  // namespace binrelay
