#include "relay/commands/statement_errors.h"

#include "protocol/sql/quoted_text.h"
#include "protocol/sql/sql_tokens.h"

namespace binrelay {
namespace {

std::string shortened(std::string_view text) { return "'" + std::string(text.substr(0, 200)) + "'"; }

}  // namespace

SqlError syntax_error(Flavour flavour, const ParseError& error) {
  return {1064, "42000",
          "You have an error in your SQL syntax; check the manual that corresponds to your " +
              std::string(to_text(flavour)) + " server version for the right syntax to use near '" +
              error.near.substr(0, kMaxParseErrorText) + "' at line " + std::to_string(error.line)};
}

SqlError empty_query() { return {1065, "42000", "Query was empty"}; }

SqlError unknown_variable(std::string_view name) {
  return {1193, "HY000", "Unknown system variable " + shortened(name)};
}

SqlError variable_is_global(std::string_view name) {
  return {1229, "HY000", "Variable " + shortened(name) + " is a GLOBAL variable and should be set with SET GLOBAL"};
}

SqlError variable_is_not_of_session(std::string_view name) {
  return {1238, "HY000", "Variable " + shortened(name) + " is a GLOBAL variable"};
}

SqlError variable_is_read_only(std::string_view name) {
  return {1238, "HY000", "Variable " + shortened(name) + " is a read only variable"};
}

SqlError wrong_variable_value(std::string_view name, std::string_view value) {
  return {1231, "42000", "Variable " + shortened(name) + " can't be set to the value of " + shortened(value)};
}

SqlError wrong_variable_type(std::string_view name) {
  return {1232, "42000", "Incorrect argument type to variable " + shortened(name)};
}

SqlError unknown_character_set(std::string_view name) {
  return {1115, "42000", "Unknown character set: " + shortened(name)};
}

SqlError unknown_column(Flavour flavour, std::string_view name) {
  return {1054, "42S22",
          "Unknown column " + shortened(name) + (flavour == Flavour::mysql ? " in 'field list'" : " in 'SELECT'")};
}

SqlError unknown_function(std::string_view database, std::string_view name) {
  const std::string where = database.empty() ? "" : std::string(database.substr(0, 200)) + ".";
  return {1305, "42000", "FUNCTION " + where + std::string(name.substr(0, 200)) + " does not exist"};
}

SqlError wrong_argument_count(std::string_view function) {
  return {1582, "42000", "Incorrect parameter count in the call to native function " + shortened(function)};
}

SqlError number_out_of_range(std::string_view kind) {
  return {1690, "22003", std::string(kind) + " value is out of range"};
}

SqlError malformed_gtid_text(std::string_view text) {
  return {1772, "HY000", "Malformed GTID set specification " + shortened(text) + "."};
}

SqlError too_many_user_variables() {
  return {1105, "HY000", "binrelay: this connection has set too many user variables"};
}

SqlError variable_too_long(std::string_view name) {
  return {1105, "HY000", "binrelay: the value for " + shortened(name) + " is too long"};
}

SqlError variable_was_lost(std::string_view name) {
  return {1053, "08S01",
          std::string(name) + " has not been set on this connection, which was probably lost and opened anew by the " +
              "client library since; connect again"};
}
SqlError expression_too_long() { return {1105, "HY000", "binrelay: the result of an expression is too long"}; }

SqlError unknown_database(std::string_view name) { return {1049, "42000", "Unknown database " + shortened(name)}; }

SqlError unknown_thread(std::uint64_t id) { return {1094, "HY000", "Unknown thread id: " + std::to_string(id)}; }

SqlError not_owner_of_thread(std::uint64_t id) {
  return {1095, "HY000", "You are not owner of thread " + std::to_string(id)};
}

SqlError no_database_selected() { return {1046, "3D000", "No database selected"}; }

SqlError unknown_table(Flavour flavour, std::string_view database, std::string_view table) {
  if (flavour == Flavour::mariadb && equal_ignoring_case(database, "information_schema"))
    return {1109, "42S02", "Unknown table " + shortened(table) + " in " + std::string(database)};
  return {1146, "42S02",
          "Table '" + std::string(database) + "." + std::string(table.substr(0, 200)) + "' doesn't exist"};
}

SqlError database_denied(std::string_view user, std::string_view host, std::string_view database) {
  return {1044, "42000",
          "Access denied for user '" + std::string(user) + "'@'" + std::string(host) + "' to database " +
              shortened(database)};
}

SqlError table_denied(Flavour flavour, std::string_view command, std::string_view user, std::string_view host,
                      std::string_view database, std::string_view table) {
  const std::string named =
      flavour == Flavour::mysql ? shortened(table) : quoted_identifier(database) + "." + quoted_identifier(table);
  return {1142, "42000",
          std::string(command) + " command denied to user '" + std::string(user) + "'@'" + std::string(host) +
              "' for table " + named};
}

SqlError unknown_command() { return {1047, "08S01", "Unknown command"}; }

SqlError malformed_packet() { return {1835, "HY000", "Malformed communication packet."}; }

SqlError packet_too_large() { return {1153, "08S01", "Got a packet bigger than 'max_allowed_packet' bytes"}; }

SqlError long_data_too_long() {
  return {1105, "HY000",
          "Parameter of prepared statement which is set through mysql_send_long_data() is longer than "
          "'max_allowed_packet' bytes"};
}

SqlError long_data_misplaced(Flavour flavour) {
  const char* by = flavour == Flavour::mysql ? "mysql_stmt_precheck" : "mysqld_stmt_send_long_data";
  return {1210, "HY000", "Incorrect arguments to " + std::string(by)};
}

SqlError malformed_execution(Flavour flavour) {
  if (flavour == Flavour::mysql) return malformed_packet();
  return {1210, "HY000", "Incorrect arguments to mysqld_stmt_execute"};
}

SqlError unknown_prepared_statement(Flavour flavour, std::uint32_t id, std::string_view command) {
  // MySQL looks for it in one place, whatever is to be done with it.
  const std::string by = flavour == Flavour::mysql ? "mysql_stmt_precheck" : "mysqld_stmt_" + std::string(command);
  return {1243, "HY000", "Unknown prepared statement handler (" + std::to_string(id) + ") given to " + by};
}

SqlError too_many_placeholders() { return {1390, "HY000", "Prepared statement contains too many placeholders"}; }

SqlError no_open_cursor(Flavour flavour, std::uint32_t id) {
  const char* end = flavour == Flavour::mysql ? "." : "";
  return {1421, "HY000", "The statement (" + std::to_string(id) + ") has no open cursor" + end};
}

SqlError too_many_prepared_statements(std::size_t limit) {
  return {1461, "42000",
          "Can't create more than max_prepared_stmt_count statements (current value: " + std::to_string(limit) + ")"};
}

SqlError binlog_events_failed(std::string_view problem) {
  return {1220, "HY000", "Error when executing command SHOW BINLOG EVENTS: " + std::string(problem)};
}

SqlError no_binary_logging() { return {1381, "HY000", "You are not using binary logging"}; }

SqlError unknown_binary_log() { return {1373, "HY000", "Target log not found in binlog index"}; }

SqlError access_denied(Access access, const SourceIdentity& source) {
  const bool mysql = source.flavour == Flavour::mysql;
  // MariaDB 10 still counts SUPER where it does something by itself.
  const std::string super = mysql || source.version.starts_with("10.") ? "SUPER, " : "";
  std::string privilege;
  switch (access) {
    case Access::binlog_names:
      privilege = super + (mysql ? "REPLICATION CLIENT" : "BINLOG MONITOR");
      break;
    case Access::binlog_events:
      privilege = mysql ? "REPLICATION SLAVE" : "BINLOG MONITOR";
      break;
    case Access::replicas:
      privilege = mysql ? "REPLICATION SLAVE" : "REPLICATION MASTER ADMIN";
      break;
    case Access::replica_status:
      privilege = super + (mysql ? "REPLICATION CLIENT" : "SLAVE MONITOR");
      break;
    case Access::page_compression:
      privilege = "PROCESS";
      break;
    case Access::dump:
      privilege = "REPLICATION SLAVE";
      break;
    case Access::purge:
      privilege = mysql ? "SUPER or BINLOG_ADMIN" : super + "BINLOG ADMIN";
      break;
  }
  return {1227, "42000",
          "Access denied; you need (at least one of) the " + privilege + " privilege(s) for this operation"};
}

SqlError refused_by_view(std::string_view what) {
  return {1227, "42000",
          "Access denied; binrelay: " + std::string(what) + " shows every event, and this account sees only some"};
}

SqlError purge_failed(std::string_view why) {
  return {1378, "HY000", "binrelay: nothing was purged: " + std::string(why.substr(0, 400))};
}

SqlError refused_by_relay(std::string_view what) {
  return {1290, "HY000",
          "This server is binrelay, a binlog relay: it runs as with the --read-only option and cannot execute " +
              std::string(what.substr(0, 200)) + ". Run it on the source server"};
}

}  // namespace binrelay
