#include <algorithm>
#include <array>
#include <string_view>
#include <utility>

#include "protocol/limits.h"
#include "protocol/sql/expression_parser.h"
#include "protocol/sql/page_compression_parser.h"
#include "protocol/sql/set_parser.h"
#include "protocol/sql/show_parser.h"
#include "protocol/sql/statement.h"
#include "protocol/sql/token_cursor.h"

namespace binrelay {

namespace {

using namespace std::string_view_literals;

using Kind = SqlToken::Kind;

// Is there such a word behind the bookmark? Not past a byte that no token begins with.
bool has_word_ahead(TokenCursor bookmark, std::string_view word) {
  while (!bookmark.at_end() && !bookmark.at(Kind::invalid)) {
    if (bookmark.accept(word)) return true;
    bookmark.take();
  }
  return false;
}

bool at_select_clause(const TokenCursor& in) {
  return in.at_one_of({"FROM", "WHERE", "GROUP", "HAVING", "WINDOW", "ORDER", "UNION", "INTERSECT", "EXCEPT", "INTO",
                       "FOR", "PROCEDURE", "LOCK"});
}

// Words that cannot be an alias without AS: clauses, and the operators this parser does not know.
bool at_alias(const TokenCursor& in) {
  if (in.at(Kind::quoted_name) || in.at(Kind::string)) return true;
  return in.at(Kind::word) && !at_select_clause(in) &&
         !in.at_one_of({"LIMIT", "AND", "OR", "XOR", "NOT", "DIV", "MOD", "LIKE", "IN", "IS", "BETWEEN", "REGEXP",
                        "RLIKE", "SOUNDS", "COLLATE", "MEMBER"});
}

std::string default_label(const SelectItem& item, std::string_view as_written) {
  const auto* literal = std::get_if<Literal>(&item.value.node);
  const bool is_string =
      literal && literal->value && !as_written.empty() && (as_written.front() == '\'' || as_written.front() == '"');
  if (is_string) return *literal->value;
  if (literal && !literal->value) return "NULL";
  return std::string(as_written);
}

SelectItem parse_select_item(TokenCursor& in, std::string_view text) {
  SelectItem item;
  const std::size_t begin = in.begin();
  item.value = parse_expression(in);
  if (in.failed()) return item;
  item.label = default_label(item, text.substr(begin, in.previous_end() - begin));
  if (in.accept("AS") || at_alias(in)) {
    item.label = in.at(Kind::string) ? in.expect_string() : in.expect_name();
  }
  return item;
}

// One row without FROM: an offset leaves nothing of it.
std::uint64_t parse_limit(TokenCursor& in) {
  std::uint64_t limit = in.expect_integer();
  std::uint64_t offset = 0;
  if (in.accept_symbol(",")) {
    offset = std::exchange(limit, in.expect_integer());
  } else if (in.accept("OFFSET")) {
    offset = in.expect_integer();
  }
  return offset > 0 ? 0 : limit;
}

Statement parse_select(TokenCursor& in, std::string_view text) {
  const TokenCursor bookmark = in;
  while (in.accept_one_of({"ALL", "DISTINCT", "DISTINCTROW", "SQL_NO_CACHE", "HIGH_PRIORITY"})) continue;
  SelectStatement statement;
  do {
    if (statement.items.size() == kMaxListLength) in.fail();
    statement.items.push_back(parse_select_item(in, text));
  } while (in.accept_symbol(","));
  in.accept_all({"FROM", "DUAL"});
  if (in.accept("LIMIT")) statement.limit = parse_limit(in);

  if (!in.failed() && (in.at_end() || in.at_symbol(";"))) return statement;
  std::string clause;
  if (has_word_ahead(bookmark, "FROM")) {
    clause = "FROM";  // a query for a server with tables, however much of it this parser understands
  } else if (at_select_clause(in)) {
    clause = to_upper(in.peek().text);
  } else {
    in.fail();
    return statement;
  }
  in = bookmark;
  return RefusedStatement{"SELECT … " + clause};
}

Statement parse_kill(TokenCursor& in) {
  in.accept_one_of({"HARD", "SOFT"});  // MariaDB
  KillStatement statement;
  if (in.accept("QUERY")) {
    statement.query_only = true;
  } else {
    in.accept("CONNECTION");
  }
  if (in.at_one_of({"USER", "ID"})) return RefusedStatement{"KILL " + to_upper(in.peek().text)};
  statement.connection_id = in.expect_integer();
  return statement;
}

bool accept_now(TokenCursor& in) {
  if (!in.accept_one_of({"NOW", "SYSDATE", "CURRENT_TIMESTAMP", "LOCALTIME", "LOCALTIMESTAMP"})) return false;
  if (in.accept_symbol("(")) in.expect_symbol(")");
  return true;
}

// INTERVAL 3 DAY. Units of no fixed length are not understood.
std::uint64_t parse_interval(TokenCursor& in) {
  struct Unit {
    std::string_view name;
    std::uint64_t seconds;
  };
  constexpr std::array kUnits{Unit{"SECOND", 1}, Unit{"MINUTE", 60}, Unit{"HOUR", 3600}, Unit{"DAY", 86400},
                              Unit{"WEEK", 604800}};
  constexpr std::uint64_t kMostOfAUnit = 1u << 30;
  in.expect("INTERVAL");
  std::uint64_t count = 0;
  if (in.at(Kind::string)) {
    const std::string digits = in.expect_string();
    TokenCursor number(digits);
    count = number.expect_integer();
    if (number.failed() || !number.at_end()) in.fail();
  } else {
    count = in.expect_integer();
  }
  if (count > kMostOfAUnit) in.fail();
  for (const Unit& unit : kUnits) {
    if (in.accept(unit.name)) return count * unit.seconds;
  }
  in.fail();
  return 0;
}

std::uint64_t parse_time_ago(TokenCursor& in) {
  std::uint64_t seconds = 0;
  if (in.accept("DATE_SUB")) {
    in.expect_symbol("(");
    if (!accept_now(in)) in.fail();
    in.expect_symbol(",");
    seconds = parse_interval(in);
    in.expect_symbol(")");
  } else if (!accept_now(in)) {
    in.fail();
  } else if (in.accept_symbol("-")) {
    seconds = parse_interval(in);
  }
  return seconds;
}

Statement parse_purge(TokenCursor& in) {
  if (!in.accept_one_of({"BINARY", "MASTER"})) in.fail();
  in.expect("LOGS");
  PurgeBinaryLogsStatement statement;
  if (in.accept("TO")) {
    statement.to_file = in.expect_string();
  } else {
    in.expect("BEFORE");
    if (in.at(Kind::string)) {
      statement.before = in.expect_string();
    } else if (!in.failed()) {
      TokenCursor ahead = in;
      statement.before_seconds_ago = parse_time_ago(ahead);
      if (ahead.failed() || !(ahead.at_end() || ahead.at_symbol(";")))
        return RefusedStatement{"PURGE BINARY LOGS BEFORE (this expression)"};
      in = ahead;
    }
  }
  return statement;
}

Statement parse_transaction(TokenCursor& in) {
  if (in.at_word("TO")) return RefusedStatement{"ROLLBACK TO"};
  while (in.accept_one_of(
             {"WORK", "WITH", "CONSISTENT", "SNAPSHOT", "READ", "ONLY", "WRITE", "AND", "NO", "CHAIN", "RELEASE"}) ||
         in.accept_symbol(",")) {
    continue;
  }
  return TransactionStatement{};
}

// First words of statements that a server with tables, users and replication channels would perform.
// clang-format off
constexpr std::array kRefusedVerbs{
    "ALTER"sv, "ANALYZE"sv, "BACKUP"sv, "BINLOG"sv, "CACHE"sv, "CALL"sv, "CHANGE"sv, "CHECK"sv, "CHECKSUM"sv, "CLONE"sv,
    "CREATE"sv, "DEALLOCATE"sv, "DELETE"sv, "DESC"sv, "DESCRIBE"sv, "DO"sv, "DROP"sv, "EXECUTE"sv, "EXPLAIN"sv, "FLUSH"sv,
    "GET"sv, "GRANT"sv, "HANDLER"sv, "HELP"sv, "IMPORT"sv, "INSERT"sv, "INSTALL"sv, "LOAD"sv, "LOCK"sv, "OPTIMIZE"sv,
    "PREPARE"sv, "RELEASE"sv, "RENAME"sv, "REPAIR"sv, "REPLACE"sv, "RESET"sv, "RESIGNAL"sv, "RESTART"sv, "REVOKE"sv,
    "SAVEPOINT"sv, "SHUTDOWN"sv, "SIGNAL"sv, "START"sv, "STOP"sv, "TABLE"sv, "TRUNCATE"sv, "UNINSTALL"sv, "UNLOCK"sv,
    "UPDATE"sv, "VALUES"sv, "WITH"sv, "XA"sv};
// clang-format on

Statement parse_any(TokenCursor& in, std::string_view text) {
  if (in.at_end() || in.at_symbol(";")) return EmptyStatement{};
  accept_timeout_for(in);
  if (in.accept("SELECT")) {
    if (auto asked = parse_page_compression(in, text)) return std::move(*asked);
    return parse_select(in, text);
  }
  if (in.accept("SET")) return parse_set(in);
  if (in.accept("SHOW")) return parse_show(in);
  if (in.accept("USE")) return UseStatement{in.expect_name()};
  if (in.accept("KILL")) return parse_kill(in);
  if (in.accept("PURGE")) return parse_purge(in);
  if (in.accept_all({"START", "TRANSACTION"}) || in.accept_one_of({"BEGIN", "COMMIT", "ROLLBACK"}))
    return parse_transaction(in);
  if (in.at_one_of(kRefusedVerbs)) return RefusedStatement{to_upper(in.peek().text)};
  if (TokenCursor bookmark = in; bookmark.accept_symbol("(")) {
    while (bookmark.accept_symbol("(")) continue;
    if (bookmark.at_word("SELECT")) return RefusedStatement{"(SELECT …)"};
  }
  in.fail();
  return EmptyStatement{};
}

ParseError error_at(std::string_view text, std::size_t offset) {
  const auto line = 1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(offset), '\n');
  return {std::string(text.substr(offset, kMaxParseErrorText)), static_cast<std::size_t>(line)};
}

}  // namespace

std::variant<Statement, ParseError> parse_statement(std::string_view text) {
  if (text.size() > kMaxCommandSize) return error_at(text, 0);
  TokenCursor in(text);
  Statement statement = parse_any(in, text);
  if (in.failed()) return error_at(text, in.failed_at());
  if (std::holds_alternative<RefusedStatement>(statement)) return statement;
  while (in.accept_symbol(";")) continue;
  if (!in.at_end()) return error_at(text, in.begin());
  return statement;
}

}  // namespace binrelay
