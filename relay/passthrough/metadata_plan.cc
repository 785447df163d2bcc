#include "relay/passthrough/metadata_plan.h"

#include <memory>
#include <utility>

#include "protocol/sql/information_schema_query.h"
#include "protocol/sql/metadata_statement.h"
#include "protocol/sql/quoted_text.h"
#include "protocol/sql/statement.h"
#include "relay/commands/statement_errors.h"
#include "relay/passthrough/allow_condition.h"

namespace binrelay {
namespace {

bool is_information_schema(std::string_view database) { return equal_ignoring_case(database, "information_schema"); }

constexpr const char* kNoDatabase = "information_schema";  // there is no way back to none

// A login may have named anything.
std::string_view current_database(const MetadataAsker& asker) {
  return is_plain_text(asker.database, kMaxMetadataName) ? asker.database : std::string_view();
}

MetadataRequest request_of(std::string sql, const MetadataAsker& asker) {
  const std::string database(current_database(asker));
  const bool named = !database.empty() && asker.allowed->allows_in(database, asker.fold);
  return {named ? database : kNoDatabase, std::move(sql), {}};
}

std::function<bool(const TextRow&)> databases_shown(const MetadataAsker& asker) {
  return [allowed = *asker.allowed, fold = asker.fold](const TextRow& row) {
    return !row.empty() && row[0] && (is_information_schema(*row[0]) || allowed.allows_in(*row[0], fold));
  };
}

std::function<bool(const TextRow&)> tables_shown(const MetadataAsker& asker, const std::string& database) {
  return [allowed = *asker.allowed, fold = asker.fold, database](const TextRow& row) {
    return !row.empty() && row[0] && allowed.allows(database, *row[0], fold);
  };
}

std::variant<MetadataRequest, SqlError> plan_show(const MetadataStatement& statement, const MetadataAsker& asker) {
  if (statement.of_a_database() && statement.database.empty()) return no_database_selected();
  MetadataRequest request = request_of(render(statement), asker);
  if (asker.allowed->empty() || is_information_schema(statement.database)) return request;
  if (statement.kind == MetadataStatement::Kind::databases) request.shown = databases_shown(asker);
  if (!statement.of_a_database()) return request;
  if (statement.of_one_table()) {
    const char* command = statement.kind == MetadataStatement::Kind::create_table ? "SHOW" : "SELECT";
    if (!asker.allowed->allows(statement.database, statement.table, asker.fold))
      return table_denied(asker.flavour, command, asker.user, asker.host, statement.database, statement.table);
    return request;
  }
  if (!asker.allowed->allows_in(statement.database, asker.fold))
    return database_denied(asker.user, asker.host, statement.database);
  if (statement.kind != MetadataStatement::Kind::create_database)
    request.shown = tables_shown(asker, statement.database);
  return request;
}

MetadataBounds bounds_of(const MetadataAsker& asker) {
  return [&asker](RowSubject subject, const std::string& database, const std::string& table) {
    return allow_condition(*asker.allowed, asker.fold, subject, database, table);
  };
}

}  // namespace

std::optional<std::variant<MetadataRequest, SqlError>> plan_metadata(std::string_view text,
                                                                     const MetadataAsker& asker) {
  if (const auto statement = parse_metadata_statement(text, current_database(asker)))
    return plan_show(*statement, asker);
  if (const auto query = parse_information_schema_query(text, current_database(asker)))
    return request_of(render(*query, bounds_of(asker)), asker);
  return std::nullopt;
}

std::optional<std::string> database_to_use(std::string_view text) {
  const auto parsed = parse_statement(text);
  const auto* statement = std::get_if<Statement>(&parsed);
  const auto* use = statement != nullptr ? std::get_if<UseStatement>(statement) : nullptr;
  return use != nullptr ? std::optional(use->database) : std::nullopt;
}

std::variant<MetadataRequest, SqlError> plan_database_search(const std::string& database, const MetadataAsker& asker) {
  if (!is_plain_text(database, kMaxMetadataName)) return unknown_database(database);
  if (!asker.allowed->allows_in(database, asker.fold)) return database_denied(asker.user, asker.host, database);
  return MetadataRequest{
      kNoDatabase,
      "SELECT 1 FROM `information_schema`.`SCHEMATA` WHERE `SCHEMA_NAME` = " + quoted_literal(database),
      {}};
}

}  // namespace binrelay
