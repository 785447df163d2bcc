#pragma once
// SQL text cut into tokens (MySQL manual, "Language Structure": literals, object names, comments).
#include <cstdint>
#include <string>
#include <string_view>

namespace binrelay {

struct SqlToken {
  enum class Kind : std::uint8_t {
    end,
    word,         // keyword or unquoted identifier
    quoted_name,  // `x`
    string,       // 'x' or "x"
    bit_string,   // 0x41, x'41', 0b1000001, b'1000001': a string in value context
    number,
    user_variable,  // @x, @'x'
    symbol,         // one character, or @@ or :=
    invalid,        // an open string or comment, a byte that begins nothing
  };
  Kind kind = Kind::end;
  std::string_view text;  // as written, in the lexer's input
  std::string value;      // without quotes and escapes: quoted_name, string, bit_string, user_variable
  std::size_t begin = 0;  // offset of `text`
};

bool equal_ignoring_case(std::string_view left, std::string_view right);  // ASCII
std::string to_lower(std::string_view text);
std::string to_upper(std::string_view text);

// SqlLexer yields one token after another; after `end` or `invalid` only that again. Copying it is a bookmark.
// Comments are skipped, executable comments are read as code: which server version the client had in mind is not ours
// to judge.
// Borrows: the text.
class SqlLexer {
 public:
  explicit SqlLexer(std::string_view text);
  SqlToken next();

 private:
  bool skip_space_and_comments();  // false: at an unclosed comment
  bool skip_comment();
  SqlToken token(SqlToken::Kind kind, std::size_t end, std::string value = {});
  SqlToken quoted(SqlToken::Kind kind, std::size_t quote_at);
  SqlToken bits(std::size_t digits_at, std::size_t digits_end, std::size_t end, unsigned bits_per_digit);
  SqlToken number_or_word();
  SqlToken user_variable();
  SqlToken invalid();
  char at(std::size_t offset) const { return offset < text_.size() ? text_[offset] : '\0'; }
  std::string_view rest() const { return text_.substr(at_); }

  std::string_view text_;
  std::size_t at_ = 0;
  bool in_code_comment_ = false;
  std::size_t code_comment_at_ = 0;
};

}  // namespace binrelay
