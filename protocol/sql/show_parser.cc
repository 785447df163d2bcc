#include "protocol/sql/show_parser.h"

#include <array>
#include <optional>
#include <string_view>
#include <utility>

#include "protocol/sql/expression_parser.h"

namespace binrelay {

namespace {

using namespace std::string_view_literals;

// `column` = 'x', `column` LIKE 'x' or `column` IN ('x', 'y').
std::optional<NameFilter> parse_name_condition(TokenCursor& in, std::string_view column) {
  if (!equal_ignoring_case(in.expect_name(), column)) return std::nullopt;
  NameFilter filter;
  if (in.accept_symbol("=")) {
    filter = {NameFilter::Kind::equal, {in.expect_string()}};
  } else if (in.accept("LIKE")) {
    filter = {NameFilter::Kind::like, {in.expect_string()}};
  } else if (in.accept("IN")) {
    filter.kind = NameFilter::Kind::in;
    in.expect_symbol("(");
    do {
      if (filter.values.size() == kMaxListLength) in.fail();
      filter.values.push_back(in.expect_string());
    } while (in.accept_symbol(","));
    in.expect_symbol(")");
  } else {
    return std::nullopt;
  }
  return filter;
}

// LIKE 'x' or WHERE with conditions on `column`, joined by OR. Nothing: a condition this server does not judge.
std::optional<NameFilter> parse_name_filter(TokenCursor& in, std::string_view column) {
  if (in.accept("LIKE")) return NameFilter{NameFilter::Kind::like, {in.expect_string()}};
  if (!in.accept("WHERE")) return NameFilter{};
  auto filter = parse_name_condition(in, column);
  while (filter && in.accept("OR")) {
    const auto other = parse_name_condition(in, column);
    if (!other || filter->kind == NameFilter::Kind::like || other->kind == NameFilter::Kind::like) return std::nullopt;
    if (filter->values.size() + other->values.size() > kMaxListLength) in.fail();
    filter->kind = NameFilter::Kind::in;
    filter->values.insert(filter->values.end(), other->values.begin(), other->values.end());
  }
  if (filter && !in.failed() && !in.at_end() && !in.at_symbol(";")) return std::nullopt;
  return filter;
}

template <class Filtered>
Statement parse_filtered(TokenCursor& in, Filtered statement, std::string_view column, std::string_view verb) {
  auto filter = parse_name_filter(in, column);
  if (!filter) return RefusedStatement{std::string(verb) + " WHERE"};
  statement.filter = *std::move(filter);
  return statement;
}

Statement parse_binlog_events(TokenCursor& in) {
  ShowBinlogEventsStatement statement;
  if (in.accept("IN")) statement.file = in.expect_string();
  if (in.accept("FROM")) statement.position = in.expect_integer();
  if (in.accept("LIMIT")) {
    statement.limit = in.expect_integer();
    if (in.accept_symbol(",")) {
      statement.offset = *statement.limit;
      statement.limit = in.expect_integer();
    } else if (in.accept("OFFSET")) {
      statement.offset = in.expect_integer();
    }
  }
  return statement;
}

// Behind SLAVE or REPLICA, or ALL SLAVES or ALL REPLICAS.
Statement parse_replica_status(TokenCursor& in, bool all_channels) {
  if (in.at(SqlToken::Kind::string)) in.expect_string();  // MariaDB: a connection name
  in.expect("STATUS");
  if (in.accept_all({"FOR", "CHANNEL"})) in.expect_string();
  in.accept_one_of({"NONBLOCKING", "NOLOCK"});
  return ShowReplicaStatusStatement{all_channels};
}

Statement parse_grants(TokenCursor& in) {
  if (!in.accept("FOR")) return ShowGrantsStatement{};
  if (!in.accept("CURRENT_USER")) return RefusedStatement{"SHOW GRANTS FOR"};
  if (in.accept_symbol("(")) in.expect_symbol(")");
  return ShowGrantsStatement{};
}

Statement parse_warnings(TokenCursor& in) {
  if (in.accept("LIMIT")) {
    in.expect_integer();
    if (in.accept_symbol(",")) in.expect_integer();
  }
  return ShowWarningsStatement{};
}

Statement parse_source_status(TokenCursor& in, std::string_view verb) {
  if (in.at_word("WITH")) return RefusedStatement{std::string(verb) + " WITH"};  // Canal asks PolarDB-X so
  return ShowBinaryLogStatusStatement{};
}

// What a real server would show and this one has none of.
// clang-format off
constexpr std::array kKnownElsewhere{
    "ANALYZE"sv, "AUTHORS"sv, "CHARACTER"sv, "CHARSET"sv, "CLIENT_STATISTICS"sv, "COLLATION"sv, "COLUMNS"sv, "CONTRIBUTORS"sv,
    "COUNT"sv, "CREATE"sv, "ENGINE"sv, "ENGINES"sv, "EVENTS"sv, "EXPLAIN"sv, "FIELDS"sv, "FUNCTION"sv, "INDEX"sv, "INDEXES"sv,
    "INDEX_STATISTICS"sv, "KEYS"sv, "LIBRARY"sv, "LOCALES"sv, "PACKAGE"sv, "PARSE_TREE"sv, "PLUGINS"sv, "PRIVILEGES"sv,
    "PROCEDURE"sv, "PROFILE"sv, "PROFILES"sv, "RELAYLOG"sv, "STORAGE"sv, "TABLE"sv, "TABLES"sv, "TABLE_STATISTICS"sv,
    "TRIGGERS"sv, "USER_STATISTICS"sv, "WSREP_MEMBERSHIP"sv, "WSREP_STATUS"sv};
// clang-format on

std::optional<Statement> refuse_known(TokenCursor& in) {
  while (in.accept_one_of({"FULL", "EXTENDED", "OPEN"})) continue;
  if (!in.at_one_of(kKnownElsewhere)) return std::nullopt;
  return RefusedStatement{"SHOW " + to_upper(in.peek().text)};
}

}  // namespace

Statement parse_show(TokenCursor& in) {
  VariableScope scope = VariableScope::session;
  const bool scope_given = in.at_one_of({"GLOBAL", "SESSION", "LOCAL"});
  if (in.accept("GLOBAL")) scope = VariableScope::global;
  in.accept_one_of({"SESSION", "LOCAL"});
  if (in.accept("VARIABLES")) {
    return parse_filtered(in, ShowVariablesStatement{scope, {}}, "Variable_name", "SHOW VARIABLES");
  }
  if (in.accept("STATUS")) {
    return parse_filtered(in, ShowStatusStatement{scope, {}}, "Variable_name", "SHOW STATUS");
  }
  if (scope_given) in.fail();

  if (in.accept_all({"BINARY", "LOGS"}) || in.accept_all({"MASTER", "LOGS"})) return ShowBinaryLogsStatement{};
  if (in.accept_all({"MASTER", "STATUS"})) return parse_source_status(in, "SHOW MASTER STATUS");
  if (in.accept_all({"BINARY", "LOG", "STATUS"})) return parse_source_status(in, "SHOW BINARY LOG STATUS");
  if (in.accept_all({"BINLOG", "STATUS"})) return parse_source_status(in, "SHOW BINLOG STATUS");
  if (in.accept_all({"BINLOG", "EVENTS"})) return parse_binlog_events(in);
  if (in.accept_all({"SLAVE", "HOSTS"}) || in.accept_all({"REPLICA", "HOSTS"}) || in.accept("REPLICAS")) {
    return ShowReplicasStatement{};
  }
  if (in.accept_all({"ALL", "SLAVES"}) || in.accept_all({"ALL", "REPLICAS"})) return parse_replica_status(in, true);
  if (in.accept_one_of({"SLAVE", "REPLICA"})) return parse_replica_status(in, false);
  if (in.accept_all({"FULL", "PROCESSLIST"})) return ShowProcesslistStatement{true};
  if (in.accept("PROCESSLIST")) return ShowProcesslistStatement{false};
  if (in.accept_one_of({"WARNINGS", "ERRORS"})) return parse_warnings(in);
  if (in.accept("GRANTS")) return parse_grants(in);
  if (in.accept_one_of({"DATABASES", "SCHEMAS"})) {
    return parse_filtered(in, ShowDatabasesStatement{}, "Database", "SHOW DATABASES");
  }
  if (auto refused = refuse_known(in)) return *std::move(refused);
  in.fail();
  return EmptyStatement{};
}

}  // namespace binrelay
