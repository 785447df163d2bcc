#include "protocol/sql/metadata_statement.h"

#include "protocol/limits.h"
#include "protocol/sql/quoted_text.h"
#include "protocol/sql/token_cursor.h"

namespace binrelay {

namespace {

using Asked = MetadataStatement::Kind;

void parse_table(TokenCursor& in, MetadataStatement& statement) {
  statement.table = metadata_name(in);
  if (!in.accept_symbol(".")) return;
  statement.database = statement.table;
  statement.table = metadata_name(in);
}

void parse_from_database(TokenCursor& in, MetadataStatement& statement) {
  if (in.accept_one_of({"FROM", "IN"})) statement.database = metadata_name(in);
}

void parse_bounds(TokenCursor& in, MetadataStatement& statement) {
  if (in.accept("LIKE")) {
    statement.like = metadata_text(in);
  } else if (in.accept("WHERE")) {
    statement.where = MetadataCondition(in, statement.database).expression();
  }
}

void parse_create(TokenCursor& in, MetadataStatement& statement) {
  if (in.accept_one_of({"DATABASE", "SCHEMA"})) {
    statement.kind = Asked::create_database;
    statement.database = metadata_name(in);
    return;
  }
  statement.kind = in.at_word("VIEW") ? Asked::create_view : Asked::create_table;
  if (!in.accept_one_of({"TABLE", "VIEW"})) in.fail();
  parse_table(in, statement);
}

void parse_listing(TokenCursor& in, MetadataStatement& statement, Asked kind) {
  statement.kind = kind;
  if (statement.of_a_database()) parse_from_database(in, statement);
  parse_bounds(in, statement);
}

void parse_of_table(TokenCursor& in, MetadataStatement& statement, Asked kind) {
  statement.kind = kind;
  if (!in.accept_one_of({"FROM", "IN"})) in.fail();
  parse_table(in, statement);
  parse_from_database(in, statement);
  parse_bounds(in, statement);
}

void parse_show_metadata(TokenCursor& in, MetadataStatement& statement) {
  if (in.accept("CREATE")) return parse_create(in, statement);
  if (in.accept_one_of({"DATABASES", "SCHEMAS"})) return parse_listing(in, statement, Asked::databases);
  if (in.accept_all({"TABLE", "STATUS"})) return parse_listing(in, statement, Asked::table_status);
  if (in.accept("ENGINES") || in.accept_all({"STORAGE", "ENGINES"})) {
    statement.kind = Asked::engines;
    return;
  }
  if (in.accept_one_of({"INDEX", "INDEXES", "KEYS"})) return parse_of_table(in, statement, Asked::indexes);
  statement.full = in.accept("FULL");
  if (in.accept("TABLES")) return parse_listing(in, statement, Asked::tables);
  if (!in.accept_one_of({"COLUMNS", "FIELDS"})) in.fail();
  parse_of_table(in, statement, Asked::columns);
}

// DESCRIBE t, DESCRIBE t column
void parse_describe(TokenCursor& in, MetadataStatement& statement) {
  statement.kind = Asked::columns;
  parse_table(in, statement);
  if (in.at(SqlToken::Kind::string)) {
    statement.like = metadata_text(in);
  } else if (in.at(SqlToken::Kind::word) || in.at(SqlToken::Kind::quoted_name)) {
    statement.like = metadata_name(in);
  }
}

std::string table_name(const MetadataStatement& statement) {
  return (statement.database.empty() ? "" : quoted_identifier(statement.database) + ".") +
         quoted_identifier(statement.table);
}

std::string head(const MetadataStatement& statement) {
  const std::string full = statement.full ? "FULL " : "";
  const std::string from = statement.database.empty() ? "" : " FROM " + quoted_identifier(statement.database);
  switch (statement.kind) {
    case Asked::databases:
      return "SHOW DATABASES";
    case Asked::tables:
      return "SHOW " + full + "TABLES" + from;
    case Asked::table_status:
      return "SHOW TABLE STATUS" + from;
    case Asked::columns:
      return "SHOW " + full + "COLUMNS FROM " + table_name(statement);
    case Asked::indexes:
      return "SHOW INDEX FROM " + table_name(statement);
    case Asked::create_table:
      return "SHOW CREATE TABLE " + table_name(statement);
    case Asked::create_view:
      return "SHOW CREATE VIEW " + table_name(statement);
    case Asked::create_database:
      return "SHOW CREATE DATABASE " + quoted_identifier(statement.database);
    case Asked::engines:
      return "SHOW ENGINES";
  }
  return {};
}

}  // namespace

std::optional<MetadataStatement> parse_metadata_statement(std::string_view text, std::string_view database) {
  if (text.size() > kMaxCommandSize) return std::nullopt;
  TokenCursor in(text);
  MetadataStatement statement;
  statement.database = database;
  accept_timeout_for(in);
  if (in.accept("SHOW")) {
    parse_show_metadata(in, statement);
  } else if (in.accept_one_of({"DESC", "DESCRIBE"})) {
    parse_describe(in, statement);
  } else {
    return std::nullopt;
  }
  while (in.accept_symbol(";")) continue;
  if (in.failed() || !in.at_end()) return std::nullopt;
  return statement;
}

std::string render(const MetadataStatement& statement) {
  if (statement.like) return head(statement) + " LIKE " + quoted_literal(*statement.like);
  return head(statement) + (statement.where.empty() ? "" : " WHERE " + statement.where);
}

}  // namespace binrelay
