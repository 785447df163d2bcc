#pragma once
// The statements this server understands, as parsed. What it answers is relay/commands' business.
// Both vocabularies mean the same statement: MASTER/SLAVE, SOURCE/REPLICA, BINARY/BINLOG.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/result.h"

namespace binrelay {

enum class VariableScope : std::uint8_t { session, global };

struct SystemVariable {  // @@x, @@global.x, @@session.x, and x on the left of SET
  VariableScope scope = VariableScope::session;
  bool explicit_scope = false;
  std::string name;  // lower case
};
struct UserVariable {  // @x
  std::string name;    // lower case
};
struct Literal {
  std::optional<std::string> value;  // nullopt: NULL
  bool is_number = false;
};
struct FunctionCall;  // version(), unix_timestamp(), database(), …
struct Expression;
struct FunctionCall {
  std::string name;  // lower case
  std::vector<Expression> arguments;
  std::string written;  // the name as the client has it, for error texts
};
struct BinaryOperation {             // 30*1000000000
  char op = '*';                     // + - * /
  std::vector<Expression> operands;  // two
};
struct ColumnName {  // an identifier no table gives meaning to: 1054, or the word of SET x = ON
  std::string name;
};
struct Expression {
  std::variant<Literal, SystemVariable, UserVariable, FunctionCall, BinaryOperation, ColumnName> node;
};

struct SelectItem {
  Expression value;
  std::string label;  // AS alias, else the text as written
};
struct SelectStatement {  // SELECT without FROM
  std::vector<SelectItem> items;
  std::optional<std::uint64_t> limit;
};

// SELECT columns FROM information_schema.innodb_cmp or innodb_cmpmem: how InnoDB compresses its pages. Who asks is
// mysqld_exporter, with its defaults.
struct PageCompressionStatement {
  struct Selected {
    std::string name;  // lower case
    std::string label;
  };
  std::vector<Selected> columns;
};

struct Assignment {
  std::variant<SystemVariable, UserVariable> target;
  Expression value;
};
struct SetStatement {
  std::vector<Assignment> assignments;
};
struct SetNamesStatement {
  std::string character_set, collation;
};
struct SetTransactionStatement {};

// LIKE 'pattern', WHERE Variable_name = 'x', WHERE Variable_name IN ('x', 'y'): what a row's name must match.
struct NameFilter {
  enum class Kind : std::uint8_t { all, like, equal, in } kind = Kind::all;
  std::vector<std::string> values;
};
bool matches(const NameFilter& filter, std::string_view name);  // case-insensitive; LIKE with % _ and \ escapes

struct ShowVariablesStatement {
  VariableScope scope = VariableScope::session;
  NameFilter filter;
};
struct ShowStatusStatement {
  VariableScope scope = VariableScope::session;
  NameFilter filter;
};
struct ShowBinaryLogsStatement {};
struct ShowBinaryLogStatusStatement {};
struct ShowBinlogEventsStatement {
  std::optional<std::string> file;
  std::optional<std::uint64_t> position;
  std::uint64_t offset = 0;
  std::optional<std::uint64_t> limit;
};
struct ShowReplicasStatement {};
struct ShowReplicaStatusStatement {
  bool all_channels = false;
};
struct ShowProcesslistStatement {
  bool full = false;
};
struct ShowWarningsStatement {};
struct ShowGrantsStatement {};
struct ShowDatabasesStatement {
  NameFilter filter;
};
struct UseStatement {
  std::string database;
};
struct KillStatement {
  std::uint64_t connection_id = 0;
  bool query_only = false;
};
struct PurgeBinaryLogsStatement {
  std::optional<std::string> to_file;
  std::optional<std::string> before;                // a date and time
  std::optional<std::uint64_t> before_seconds_ago;  // NOW(), NOW() - INTERVAL 3 DAY, DATE_SUB(NOW(), INTERVAL 3 DAY)
};
struct TransactionStatement {};  // BEGIN, START TRANSACTION, COMMIT, ROLLBACK: nothing to do
struct EmptyStatement {};        // only comments
// Parsed as far as its first words: a statement this server knows of and refuses (INSERT, CREATE, CHANGE …, FLUSH …).
struct RefusedStatement {
  std::string verb;
};

using Statement =
    std::variant<SelectStatement, PageCompressionStatement, SetStatement, SetNamesStatement, SetTransactionStatement,
                 ShowVariablesStatement, ShowStatusStatement, ShowBinaryLogsStatement, ShowBinaryLogStatusStatement,
                 ShowBinlogEventsStatement, ShowReplicasStatement, ShowReplicaStatusStatement, ShowProcesslistStatement,
                 ShowWarningsStatement, ShowGrantsStatement, ShowDatabasesStatement, UseStatement, KillStatement,
                 PurgeBinaryLogsStatement, TransactionStatement, EmptyStatement, RefusedStatement>;

inline constexpr std::size_t kMaxParseErrorText = 80;  // mysqld shows as much
struct ParseError {
  std::string near;  // the text from the first token that does not fit, as in mysqld's 1064 "near '…'"; "" at the end
  std::size_t line = 1;
};

// One statement; a trailing ";" is allowed, anything behind it is a ParseError. Comments (/* */, --, #) are skipped,
// executable comments (/*!40101 … */, /*M! … */) are read as code. Bounded by kMaxCommandSize and
// the limits of expression_parser.h.
std::variant<Statement, ParseError> parse_statement(std::string_view text);

}  // namespace binrelay
