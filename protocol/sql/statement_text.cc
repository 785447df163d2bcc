#include "protocol/sql/statement_text.h"

#include "protocol/check.h"
#include "protocol/sql/sql_tokens.h"

namespace binrelay {
namespace {

bool is_last(const SqlToken& token) {
  return token.kind == SqlToken::Kind::end || token.kind == SqlToken::Kind::invalid;
}

bool is_symbol(const SqlToken& token, std::string_view symbol) {
  return token.kind == SqlToken::Kind::symbol && token.text == symbol;
}

// As SqlLexer reads it.
void append_literal(std::string& out, const std::optional<ParameterValue>& value) {
  if (!value) {
    out += "NULL";
  } else if (value->is_number) {
    out += value->text;
  } else {
    out += '\'';
    for (const char c : value->text) {
      if (c == '\'' || c == '\\') out += c == '\'' ? '\'' : '\\';
      out += c;
    }
    out += '\'';
  }
}

}  // namespace

StatementCut cut_statement(std::string_view text) {
  SqlLexer lexer(text);
  for (SqlToken token = lexer.next(); !is_last(token); token = lexer.next()) {
    if (!is_symbol(token, ";")) continue;
    const std::size_t end = token.begin + 1;
    const bool more = lexer.next().kind != SqlToken::Kind::end;
    return {text.substr(0, end), more ? text.substr(end) : std::string_view()};
  }
  return {text, {}};
}

std::vector<std::size_t> find_placeholders(std::string_view text) {
  std::vector<std::size_t> found;
  SqlLexer lexer(text);
  for (SqlToken token = lexer.next(); !is_last(token); token = lexer.next()) {
    if (is_symbol(token, "?")) found.push_back(token.begin);
  }
  return found;
}

std::string fill_placeholders(std::string_view text, const std::vector<std::size_t>& placeholders,
                              const ParameterValues& values) {
  BINRELAY_CHECK(placeholders.size() == values.size(), "a value for each placeholder");
  std::string filled;
  std::size_t from = 0;
  for (std::size_t i = 0; i < placeholders.size(); ++i) {
    filled += text.substr(from, placeholders[i] - from);
    append_literal(filled, values[i]);
    from = placeholders[i] + 1;
  }
  filled += text.substr(from);
  return filled;
}

}  // namespace binrelay
