#include "protocol/sql/metadata_condition.h"

#include <algorithm>
#include <array>

#include "protocol/sql/quoted_text.h"

namespace binrelay {
namespace {

using Kind = SqlToken::Kind;

constexpr int kMaxDepth = 32;
constexpr std::size_t kMaxNumber = 40;  // characters
constexpr std::size_t kMaxList = 1000;
constexpr std::array<std::string_view, 13> kFunctions{"COUNT",  "MIN",         "MAX",     "LOWER",  "UPPER",
                                                      "LCASE",  "UCASE",       "IF",      "IFNULL", "NULLIF",
                                                      "CONCAT", "CHAR_LENGTH", "COALESCE"};

bool opens_call(TokenCursor in) {
  in.take();
  return in.at_symbol("(");
}

}  // namespace

std::string metadata_name(TokenCursor& in) {
  std::string name = in.expect_name();
  if (name.empty() || !is_plain_text(name, kMaxMetadataName)) in.fail();
  return in.failed() ? std::string() : name;
}

std::string metadata_text(TokenCursor& in) {
  std::string text = in.expect_string();
  if (!is_plain_text(text, kMaxMetadataText)) in.fail();
  return in.failed() ? std::string() : text;
}

std::string MetadataCondition::failed() {
  in_.fail();
  return {};
}

std::string MetadataCondition::expression() {
  if (depth_ == kMaxDepth) return failed();
  ++depth_;
  std::string result = conjunction();
  while (in_.accept("OR")) result += " OR " + conjunction();
  --depth_;
  return in_.failed() ? std::string() : result;
}

std::string MetadataCondition::conjunction() {
  std::string result = negation();
  while (in_.accept("AND")) result += " AND " + negation();
  return result;
}

std::string MetadataCondition::negation() {
  std::string nots;
  for (int count = 0; in_.accept("NOT"); ++count) {
    if (count == kMaxDepth) return failed();
    nots += "NOT ";
  }
  return nots + predicate();
}

std::string MetadataCondition::predicate() {
  std::string left = operand();
  if (const std::string operation = comparison(); !operation.empty()) {
    const std::string right = operand();
    return left + " " + operation + " " + right;
  }
  return left + behind_operand();
}

// LIKE, IN, IS NULL and BETWEEN; "" without any.
std::string MetadataCondition::behind_operand() {
  if (in_.accept("IS")) {
    const bool negated = in_.accept("NOT");
    in_.expect("NULL");
    return negated ? " IS NOT NULL" : " IS NULL";
  }
  const std::string no = in_.accept("NOT") ? " NOT" : "";
  if (in_.accept("LIKE")) return no + " LIKE " + quoted_literal(metadata_text(in_));
  if (in_.accept("IN")) {
    in_.expect_symbol("(");
    const std::string list = arguments();
    in_.expect_symbol(")");
    return no + " IN (" + list + ")";
  }
  if (in_.accept("BETWEEN")) {
    const std::string least = operand();
    in_.expect("AND");
    const std::string most = operand();
    return no + " BETWEEN " + least + " AND " + most;
  }
  if (!no.empty()) in_.fail();
  return {};
}

// =, <>, !=, <, <=, >, >= and <=>; "" without any.
std::string MetadataCondition::comparison() {
  if (in_.accept_symbol("=")) return "=";
  if (in_.accept_symbol("!")) {
    in_.expect_symbol("=");
    return "<>";
  }
  if (in_.accept_symbol(">")) return in_.accept_symbol("=") ? ">=" : ">";
  if (!in_.accept_symbol("<")) return {};
  if (in_.accept_symbol(">")) return "<>";
  if (!in_.accept_symbol("=")) return "<";
  return in_.accept_symbol(">") ? "<=>" : "<=";
}

std::string MetadataCondition::operand() {
  if (in_.failed()) return {};
  if (in_.accept_symbol("(")) {
    const std::string inner = expression();
    in_.expect_symbol(")");
    return "(" + inner + ")";
  }
  if (in_.accept_symbol("-")) return "-" + number();
  switch (in_.peek().kind) {
    case Kind::string:
      return quoted_literal(metadata_text(in_));
    case Kind::number:
      return number();
    case Kind::word:
      return keyword_or_call();
    case Kind::quoted_name:
      return column();
    default:
      return failed();
  }
}

std::string MetadataCondition::number() {
  if (!in_.at(Kind::number) || in_.peek().text.size() > kMaxNumber) return failed();
  return std::string(in_.take().text);
}

std::string MetadataCondition::keyword_or_call() {
  for (const char* word : {"NULL", "TRUE", "FALSE"}) {
    if (in_.accept(word)) return word;
  }
  if (!opens_call(in_)) return column();
  return call(to_upper(in_.take().text));
}

std::string MetadataCondition::call(const std::string& function) {
  in_.expect_symbol("(");
  if (function == "DATABASE" || function == "SCHEMA") {
    in_.expect_symbol(")");
    return database_.empty() ? "NULL" : quoted_literal(database_);
  }
  if (std::find(kFunctions.begin(), kFunctions.end(), function) == kFunctions.end()) return failed();
  std::string inside;
  if (function == "COUNT" && in_.accept_symbol("*")) {
    inside = "*";
  } else {
    if (function == "COUNT" && in_.accept("DISTINCT")) inside = "DISTINCT ";
    inside += arguments();
  }
  in_.expect_symbol(")");
  return function + "(" + inside + ")";
}

std::string MetadataCondition::arguments() {
  std::string list = expression();
  for (std::size_t count = 1; in_.accept_symbol(","); ++count) {
    if (count == kMaxList) return failed();
    list += ", " + expression();
  }
  return list;
}

// column, table.column or information_schema.table.column
std::string MetadataCondition::column() {
  std::string first = metadata_name(in_);
  std::string result = quoted_identifier(first);
  for (int part = 1; part < 3 && in_.accept_symbol("."); ++part) {
    if (part == 2 && !equal_ignoring_case(first, "information_schema")) return failed();
    result += "." + quoted_identifier(metadata_name(in_));
  }
  return in_.failed() ? std::string() : result;
}

}  // namespace binrelay
