#include "protocol/sql/set_parser.h"

#include <optional>
#include <utility>

#include "protocol/sql/expression_parser.h"

namespace binrelay {

namespace {

// A word before a variable holds for the assignments that follow as well, until another word.
// (MySQL manual, "SET Syntax for Variable Assignment")
std::optional<VariableScope> accept_scope(TokenCursor& in) {
  if (in.accept_one_of({"GLOBAL", "PERSIST", "PERSIST_ONLY"})) return VariableScope::global;
  if (in.accept_one_of({"SESSION", "LOCAL"})) return VariableScope::session;
  return std::nullopt;
}

// ISOLATION LEVEL x [, READ ONLY]: has no meaning where nothing is written.
Statement parse_transaction(TokenCursor& in, std::optional<VariableScope> scope) {
  do {
    if (in.accept_all({"ISOLATION", "LEVEL"})) {
      if (in.accept_all({"REPEATABLE", "READ"}) || in.accept("SERIALIZABLE") || in.accept_all({"READ", "COMMITTED"}) ||
          in.accept_all({"READ", "UNCOMMITTED"})) {
        continue;
      }
      in.fail();
    } else if (!in.accept_all({"READ", "ONLY"}) && !in.accept_all({"READ", "WRITE"})) {
      in.fail();
    }
  } while (in.accept_symbol(","));
  if (scope == VariableScope::global) return RefusedStatement{"SET GLOBAL TRANSACTION"};
  return SetTransactionStatement{};
}

std::string expect_name_or_string(TokenCursor& in) {
  return in.at(SqlToken::Kind::string) ? in.expect_string() : in.expect_name();
}

std::optional<SetNamesStatement> accept_names(TokenCursor& in) {
  const bool names = in.accept("NAMES");
  if (!names && !in.accept("CHARSET") && !in.accept_all({"CHARACTER", "SET"})) return std::nullopt;
  SetNamesStatement statement;
  statement.character_set = expect_name_or_string(in);
  if (names && in.accept("COLLATE")) statement.collation = expect_name_or_string(in);
  return statement;
}

Assignment parse_assignment(TokenCursor& in, VariableScope sticky_scope, bool scope_given) {
  Assignment assignment;
  if (in.at(SqlToken::Kind::user_variable)) {
    assignment.target = UserVariable{to_lower(in.take().value)};
  } else if (in.accept_symbol("@@")) {
    assignment.target = parse_system_variable(in);
  } else {
    std::string name = in.expect_name();
    if (in.accept_symbol(".")) name += "." + in.expect_name();
    assignment.target = SystemVariable{sticky_scope, scope_given, to_lower(name)};
  }
  if (!in.accept_symbol(":=")) in.expect_symbol("=");
  assignment.value = parse_expression(in);
  return assignment;
}

}  // namespace

Statement parse_set(TokenCursor& in) {
  for (const std::string_view other : {"PASSWORD", "ROLE", "DEFAULT", "RESOURCE", "STATEMENT"}) {
    if (in.accept(other)) return RefusedStatement{"SET " + std::string(other)};
  }
  SetStatement statement;
  std::optional<SetNamesStatement> names;
  std::optional<VariableScope> scope;
  std::size_t elements = 0;
  do {
    if (++elements > kMaxListLength) in.fail();
    if (const auto given = accept_scope(in)) scope = given;
    if (elements == 1 && in.accept("TRANSACTION")) return parse_transaction(in, scope);
    if (auto found = accept_names(in)) {
      names = std::move(found);
    } else {
      statement.assignments.push_back(parse_assignment(in, scope.value_or(VariableScope::session), scope.has_value()));
    }
  } while (in.accept_symbol(","));
  // Between assignments (MariaDB Connector/J) the names change nothing a reader of text would see.
  if (names && statement.assignments.empty()) return *std::move(names);
  return statement;
}

}  // namespace binrelay
