// COM_STMT_EXECUTE: the first byte says how many parameters the statement has and which of them were sent ahead.
// Whatever the values are, a text filled with them has as many literals.
#include "protocol/check.h"
#include "protocol/packet/prepared_statement.h"
#include "protocol/sql/sql_tokens.h"
#include "protocol/sql/statement_text.h"

using namespace binrelay;

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0) return 0;
  const std::size_t parameters = data[0] & 31u;
  std::vector<std::optional<std::string>> ahead(parameters);
  if ((data[0] & 32u) != 0 && parameters > 0) ahead.front() = "ahead";
  std::vector<ParameterType> types;
  const Bytes request = std::as_bytes(std::span(data, size)).subspan(1);
  const auto values = decode_execute(request, ahead, &types);
  if (!values) return 0;
  std::string text = "SELECT 0";
  for (std::size_t i = 0; i < parameters; ++i) text += ", ?";
  const std::string filled = fill_placeholders(text, find_placeholders(text), *values);
  SqlLexer lexer(filled);
  std::size_t commas = 0;
  SqlToken token = lexer.next();
  for (; token.kind != SqlToken::Kind::end; token = lexer.next()) {
    BINRELAY_CHECK(token.kind != SqlToken::Kind::invalid, "a literal is read as one");
    if (token.text == ",") ++commas;
  }
  BINRELAY_CHECK(commas == parameters, "no value says more than itself");
  return 0;
}
