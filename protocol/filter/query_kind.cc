#include "protocol/filter/query_kind.h"

#include <algorithm>
#include <initializer_list>

#include "protocol/event/events.h"
#include "protocol/sql/token_cursor.h"

namespace binrelay {
namespace {

constexpr std::size_t kMaxTables = 4096;

class QueryParser {
 public:
  QueryParser(std::string_view text, std::string_view database) : in_(text), text_(text), database_(database) {}

  QueryReading parse() {
    if (in_.at_end()) return of(QueryKind::comment);
    if (in_.accept("BEGIN") || in_.accept_all({"START", "TRANSACTION"})) return of(QueryKind::begin);
    if (in_.accept("COMMIT")) return of(QueryKind::end);
    if (in_.accept("ROLLBACK")) return of(in_.at_word("TO") ? QueryKind::savepoint : QueryKind::end);
    if (in_.accept_one_of({"SAVEPOINT", "RELEASE"})) return of(QueryKind::savepoint);
    if (in_.accept("XA")) return xa();
    if (in_.at_one_of({"INSERT", "UPDATE", "DELETE", "REPLACE", "LOAD", "CALL", "WITH", "SELECT", "DO", "HANDLER"}) ||
        in_.at_symbol("("))
      return of(QueryKind::dml);
    ddl();
    return std::move(reading_);
  }

 private:
  QueryReading of(QueryKind kind) {
    reading_.kind = kind;
    return std::move(reading_);
  }

  QueryReading xa() {
    if (in_.accept_one_of({"START", "BEGIN"})) return of(QueryKind::xa_start);
    if (in_.accept("END")) return of(QueryKind::xa_end);
    if (in_.accept_one_of({"COMMIT", "ROLLBACK"})) {
      reading_.xa_id = std::string(text_.substr(std::min(in_.begin(), text_.size())));
      return of(QueryKind::xa_finish);
    }
    return of(QueryKind::ddl);
  }

  void ddl() {
    if (in_.accept("TRUNCATE")) {
      in_.accept("TABLE");
      return tables();
    }
    if (in_.accept("RENAME")) {
      if (in_.accept_one_of({"TABLE", "TABLES"})) renamed_tables();
      return;
    }
    if (in_.accept_one_of({"OPTIMIZE", "ANALYZE", "REPAIR"})) {
      in_.accept_one_of({"NO_WRITE_TO_BINLOG", "LOCAL"});
      if (in_.accept_one_of({"TABLE", "TABLES"})) tables();
      return;
    }
    if (!in_.accept_one_of({"CREATE", "ALTER", "DROP"})) return;
    in_.accept_all({"OR", "REPLACE"});
    while (in_.accept_one_of({"TEMPORARY", "ONLINE", "OFFLINE", "IGNORE", "UNIQUE", "FULLTEXT", "SPATIAL"})) {
    }
    if (in_.accept_one_of({"TABLE", "TABLES"})) {
      skip_if_exists();
      return tables();
    }
    if (in_.accept_one_of({"DATABASE", "SCHEMA"})) {
      skip_if_exists();
      const bool named = in_.at(SqlToken::Kind::word) || in_.at(SqlToken::Kind::quoted_name);
      reading_.databases.push_back(named ? in_.expect_name() : std::string(database_));
      return;
    }
    if (in_.accept("INDEX")) {
      while (!in_.at_end() && !in_.failed() && !in_.at_word("ON")) in_.take();
      if (in_.accept("ON")) table();
    }
  }

  void skip_if_exists() {
    if (!in_.accept("IF")) return;
    in_.accept("NOT");
    in_.accept("EXISTS");
  }

  bool table() {
    std::string first = in_.expect_name();
    if (in_.failed()) return false;
    QueryTable named{std::string(database_), std::move(first)};
    if (in_.accept_symbol(".")) {
      named.database = std::move(named.table);
      named.table = in_.expect_name();
    }
    if (in_.failed()) return false;
    reading_.tables.push_back(std::move(named));
    return reading_.tables.size() < kMaxTables;
  }

  void tables() {
    while (table() && in_.accept_symbol(",")) {
    }
  }

  void renamed_tables() {
    skip_if_exists();
    while (table() && in_.accept("TO") && table() && in_.accept_symbol(",")) {
    }
  }

  TokenCursor in_;
  std::string_view text_;
  std::string_view database_;
  QueryReading reading_;
};

}  // namespace

QueryReading read_query(std::string_view text, std::string_view database) {
  return QueryParser(text, database).parse();
}

bool ddl_passes(const QueryReading& query, const ViewRules& rules, DdlView view) {
  if (view == DdlView::none) return false;
  if (view == DdlView::all && rules.allows_everything()) return true;
  const bool monitored = view == DdlView::monitored;
  const auto table_passes = [&](const QueryTable& named) {
    return monitored ? rules.of(named.database, named.table).any() : rules.allows(named.database, named.table);
  };
  const auto database_passes = [&](const std::string& name) {
    return monitored ? rules.monitors_in(name) : rules.allows_in(name);
  };
  return std::any_of(query.tables.begin(), query.tables.end(), table_passes) ||
         std::any_of(query.databases.begin(), query.databases.end(), database_passes);
}

}  // namespace binrelay
