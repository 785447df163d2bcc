#include "relay/commands/statement_answers.h"

#include <algorithm>
#include <ctime>

#include "protocol/limits.h"
#include "protocol/sql/sql_tokens.h"
#include "relay/commands/expression_value.h"
#include "relay/commands/purge_answer.h"
#include "relay/commands/replica_status.h"
#include "relay/commands/served_gtids.h"
#include "relay/commands/statement_errors.h"
#include "relay/commands/system_variables.h"

namespace binrelay {
namespace {

using Row = std::vector<std::optional<std::string>>;

Column text_column(std::string name) { return {std::move(name), ColumnType::var_string, false}; }
Column number_column(std::string name) { return {std::move(name), ColumnType::longlong, true}; }

std::vector<Column> text_columns(std::initializer_list<const char*> names) {
  std::vector<Column> columns;
  for (const char* name : names) columns.push_back(text_column(name));
  return columns;
}

std::int64_t now_seconds() { return static_cast<std::int64_t>(std::time(nullptr)); }

std::optional<std::string> text_or_null(const std::string& text) {
  return text.empty() ? std::nullopt : std::optional(text);
}

// MySQL 5.x and MariaDB print the old words.
bool prints_source_and_replica(const SourceIdentity& source) {
  return source.flavour == Flavour::mysql && !source.version.starts_with("5.");
}

// --- what the log holds ---

std::uint64_t served_size(const Segment& segment, const LogPosition& visible) {
  if (segment.sealed) return segment.size;
  return segment.number == visible.segment ? std::max(visible.offset, kFirstEventOffset) : kFirstEventOffset;
}

// --- SHOW [GLOBAL] STATUS ---

std::size_t running_connections(const ReplicaRegistry& registry) {
  const auto entries = registry.list();
  return static_cast<std::size_t>(std::count_if(entries.begin(), entries.end(),
                                                [](const ConnectionEntry& entry) { return entry.command != "Sleep"; }));
}

std::vector<std::pair<std::string, std::string>> status_values(const RelayView& relay, const SessionState& session) {
  const EventLog::Counters counters = relay.log->counters();
  const std::string uptime = std::to_string(std::max<std::int64_t>(now_seconds() - relay.started_at, 0));
  return {
      {"Binrelay_events_received", std::to_string(counters.events)},
      {"Binrelay_bytes_received", std::to_string(counters.bytes)},
      {"Binrelay_transactions_received", std::to_string(counters.transactions)},
      {"Ssl_cipher", session.tls_cipher},
      {"Ssl_version", session.tls_version},
      {"Threads_connected", std::to_string(relay.registry->size())},
      {"Threads_running", std::to_string(running_connections(*relay.registry))},
      {"Uptime", uptime},
      {"Uptime_since_flush_status", uptime},
  };
}

// --- SET ---

NewVariableValue new_value(ExpressionValue value) { return std::optional<std::string>(std::move(value.text)); }

// A replica reads back what it has set; that it was not set means that its client library has opened a lost connection
// anew in between. NULL, a source's answer, stops the replica for good.
bool asks_in_vain_for_its_checksum(const SelectStatement& select, const SessionState& session) {
  if (select.items.size() != 1) return false;
  const auto* variable = std::get_if<UserVariable>(&select.items.front().value.node);
  return variable != nullptr &&
         (variable->name == "master_binlog_checksum" || variable->name == "source_binlog_checksum") &&
         !session.user_variables.contains(variable->name);
}

// StatementAnswerer answers one statement; a function for each kind.
// Borrows: the relay's state and the session.
class StatementAnswerer {
 public:
  StatementAnswerer(const RelayView& relay, SessionState& session)
      : relay_(relay), session_(session), source_(*relay.source) {}

  Answer operator()(const SelectStatement& select) {
    if (asks_in_vain_for_its_checksum(select, session_)) return variable_was_lost(select.items.front().label);
    ResultSet result;
    Row row;
    std::size_t total = 0;
    for (const SelectItem& item : select.items) {
      auto value = evaluate(item.value, relay_, session_);
      if (auto* error = std::get_if<SqlError>(&value)) return std::move(*error);
      auto& found = std::get<ExpressionValue>(value);
      total += found.text ? found.text->size() : 0;
      if (total > kMaxExpressionBytes) return expression_too_long();
      Column column = text_column(item.label);
      if (found.type == ValueType::integer) column.type = ColumnType::longlong;
      if (found.type == ValueType::decimal) column.type = ColumnType::double_;
      column.is_unsigned = found.type == ValueType::integer && found.text && !found.text->starts_with('-');
      result.columns.push_back(std::move(column));
      row.push_back(std::move(found.text));
    }
    if (select.limit.value_or(1) != 0) result.rows.push_back(std::move(row));
    return result;
  }

  // There are no pages here.
  Answer operator()(const PageCompressionStatement& select) {
    if (!may(Privilege::process)) return access_denied(Access::page_compression, source_);
    ResultSet result;
    for (const auto& [name, label] : select.columns) {
      const bool wide = name == "relocation_ops";
      result.columns.push_back({label, wide ? ColumnType::longlong : ColumnType::long_, false});
    }
    return result;
  }

  // All or nothing, and a name nobody knows is told first.
  Answer operator()(const SetStatement& set) {
    for (const Assignment& assignment : set.assignments) {
      const auto* variable = std::get_if<SystemVariable>(&assignment.target);
      if (variable && !find_variable(variable->name, VariableScope::global, relay_, session_))
        return unknown_variable(variable->name);
    }
    const SessionState before = set.assignments.size() > 1 ? session_ : SessionState{};
    for (const Assignment& assignment : set.assignments) {
      const auto error = std::holds_alternative<UserVariable>(assignment.target)
                             ? set_user_variable(std::get<UserVariable>(assignment.target).name, assignment.value)
                             : set_system_variable(std::get<SystemVariable>(assignment.target), assignment.value);
      if (!error) continue;
      if (set.assignments.size() > 1) session_ = before;
      return *error;
    }
    return OkAnswer{};
  }

  Answer operator()(const SetNamesStatement& names) {
    if (auto error = set_names(names, session_)) return *std::move(error);
    return OkAnswer{};
  }

  Answer operator()(const SetTransactionStatement&) { return OkAnswer{}; }
  Answer operator()(const TransactionStatement&) { return OkAnswer{}; }
  Answer operator()(const EmptyStatement&) { return OkAnswer{}; }

  Answer operator()(const ShowVariablesStatement& show) {
    ResultSet result{text_columns({"Variable_name", "Value"}), {}};
    for (auto& variable : list_variables(show.scope, show.filter, relay_, session_)) {
      result.rows.push_back({std::move(variable.name), std::move(variable.text)});
    }
    return result;
  }

  Answer operator()(const ShowStatusStatement& show) {
    ResultSet result{text_columns({"Variable_name", "Value"}), {}};
    for (auto& [name, value] : status_values(relay_, session_)) {
      if (matches(show.filter, name)) result.rows.push_back({std::move(name), std::move(value)});
    }
    return result;
  }

  Answer operator()(const ShowBinaryLogsStatement&) {
    if (!may(Privilege::replication_client)) return access_denied(Access::binlog_names, source_);
    const LogPosition visible = relay_.log->ends().visible;
    const auto catalog = relay_.log->catalog();
    if (catalog->segments().empty()) return no_binary_logging();
    ResultSet result{{text_column("Log_name"), number_column("File_size")}, {}};
    const bool encrypted_column = prints_source_and_replica(source_);
    if (encrypted_column) result.columns.push_back(text_column("Encrypted"));
    for (const auto& segment : catalog->segments()) {
      Row row{segment->served_name, std::to_string(served_size(*segment, visible))};
      if (encrypted_column) row.push_back("No");
      result.rows.push_back(std::move(row));
    }
    return result;
  }

  Answer operator()(const ShowBinaryLogStatusStatement&) {
    if (!may(Privilege::replication_client)) return access_denied(Access::binlog_names, source_);
    ResultSet result{
        {text_column("File"), number_column("Position"), text_column("Binlog_Do_DB"), text_column("Binlog_Ignore_DB")},
        {}};
    if (source_.flavour == Flavour::mysql) result.columns.push_back(text_column("Executed_Gtid_Set"));
    const VisibleEnd end = visible_end(relay_);
    if (!end.segment) return result;
    Row row{end.segment->served_name, std::to_string(end.offset), "", ""};
    if (const auto* set = std::get_if<MysqlGtidSet>(&end.executed); set && source_.flavour == Flavour::mysql) {
      row.push_back(set->to_text_with_newlines());
    }
    row.resize(result.columns.size(), "");
    result.rows.push_back(std::move(row));
    return result;
  }

  Answer operator()(const ShowBinlogEventsStatement& show) {
    const bool mysql = source_.flavour == Flavour::mysql;
    if (!may(mysql ? Privilege::replication_slave : Privilege::replication_client))
      return access_denied(Access::binlog_events, source_);
    if (!session_.sees_every_event) return refused_by_view("SHOW BINLOG EVENTS");
    return BinlogEventsAnswer{show};
  }

  Answer operator()(const ShowReplicasStatement&) {
    if (!may(Privilege::replication_slave)) return access_denied(Access::replicas, source_);
    const bool mysql = source_.flavour == Flavour::mysql;
    const bool fresh = prints_source_and_replica(source_);
    ResultSet result{{number_column(fresh ? "Server_Id" : "Server_id"), text_column("Host"), number_column("Port"),
                      number_column(fresh ? "Source_Id" : "Master_id")},
                     {}};
    if (mysql) result.columns.push_back(text_column(fresh ? "Replica_UUID" : "Slave_UUID"));
    for (const ConnectionEntry& entry : relay_.registry->list()) {
      if (!entry.registered) continue;
      const std::uint32_t source_id =
          entry.source_id != 0 ? entry.source_id : static_cast<std::uint32_t>(source_.server_id);
      Row row{std::to_string(static_cast<std::uint32_t>(entry.server_id)), entry.report_host,
              std::to_string(entry.report_port), std::to_string(source_id)};
      if (mysql) row.push_back(entry.uuid);
      result.rows.push_back(std::move(row));
    }
    return result;
  }

  Answer operator()(const ShowReplicaStatusStatement& show) {
    if (!may(Privilege::replication_client)) return access_denied(Access::replica_status, source_);
    if (!session_.sees_upstream || !relay_.upstream) return show_replica_status(source_, show.all_channels, nullptr);
    const ReplicaStatus status = relay_.upstream();
    return show_replica_status(source_, show.all_channels, &status);
  }

  Answer operator()(const ShowProcesslistStatement& show) {
    constexpr std::size_t kShortInfo = 100;
    const bool mariadb = source_.flavour == Flavour::mariadb;
    ResultSet result{{number_column("Id"), text_column("User"), text_column("Host"), text_column("db"),
                      text_column("Command"), number_column("Time"), text_column("State"), text_column("Info")},
                     {}};
    if (mariadb) result.columns.push_back({"Progress", ColumnType::double_});
    const std::int64_t now = now_seconds();
    for (const ConnectionEntry& entry : relay_.registry->list()) {
      if (entry.user != session_.user && !may(Privilege::process)) continue;
      Row row{std::to_string(entry.id),
              entry.user,
              entry.host,
              text_or_null(entry.database),
              entry.command,
              std::to_string(std::max<std::int64_t>(now - entry.since, 0)),
              entry.state,
              text_or_null(show.full ? entry.info : entry.info.substr(0, kShortInfo))};
      if (mariadb) row.push_back("0.000");
      result.rows.push_back(std::move(row));
    }
    return result;
  }

  Answer operator()(const ShowWarningsStatement&) {
    ResultSet result{{text_column("Level"), number_column("Code"), text_column("Message")}, {}};
    for (const SqlWarning& warning : session_.warnings)
      result.rows.push_back({warning.level, std::to_string(warning.code), warning.text});
    return result;
  }

  Answer operator()(const ShowGrantsStatement&) {
    const bool mysql = source_.flavour == Flavour::mysql;
    const auto quoted = [](std::string_view name) {
      std::string text = "`";
      for (const char c : name) text.append(c == '`' ? 2 : 1, c);
      return text + "`";
    };
    std::string granted;
    const auto add = [&](Privilege privilege, const char* name) {
      if (may(privilege)) granted += (granted.empty() ? "" : ", ") + std::string(name);
    };
    add(Privilege::process, "PROCESS");
    add(Privilege::replication_slave, "REPLICATION SLAVE");
    add(Privilege::replication_client, mysql ? "REPLICATION CLIENT" : "BINLOG MONITOR");
    if (!mysql) add(Privilege::binlog_admin, "BINLOG ADMIN");
    const std::string to = " ON *.* TO " + quoted(session_.user) + "@" + quoted(session_.account_host);
    ResultSet result{{text_column("Grants for " + session_.user + "@" + session_.account_host)},
                     {{"GRANT " + (granted.empty() ? "USAGE" : granted) + to}}};
    if (mysql && may(Privilege::binlog_admin)) result.rows.push_back({"GRANT BINLOG_ADMIN" + to});
    return result;
  }

  Answer operator()(const ShowDatabasesStatement& show) {
    constexpr std::string_view kOnly = "information_schema";
    const bool like = show.filter.kind == NameFilter::Kind::like && !show.filter.values.empty();
    ResultSet result{{text_column(like ? "Database (" + show.filter.values.front() + ")" : "Database")}, {}};
    if (matches(show.filter, kOnly)) result.rows.push_back({std::string(kOnly)});
    return result;
  }

  Answer operator()(const UseStatement& use) {
    if (use.database.empty()) return no_database_selected();
    if (!is_known_database(use.database)) return unknown_database(use.database);
    return UseDatabaseAnswer{use.database};
  }

  Answer operator()(const KillStatement& kill) {
    const auto entries = relay_.registry->list();
    const auto found =
        std::find_if(entries.begin(), entries.end(), [&](const auto& entry) { return entry.id == kill.connection_id; });
    if (found == entries.end()) return unknown_thread(kill.connection_id);
    // As for an account without CONNECTION_ADMIN.
    if (found->user != session_.user) return not_owner_of_thread(kill.connection_id);
    return KillAnswer{static_cast<std::uint32_t>(kill.connection_id), kill.query_only};
  }

  Answer operator()(const PurgeBinaryLogsStatement& purge) { return answer_purge(purge, relay_, session_); }
  Answer operator()(const RefusedStatement& refused) { return refused_by_relay(refused.verb); }

 private:
  bool may(Privilege privilege) const { return session_.privileges.has(privilege); }

  std::optional<SqlError> set_user_variable(const std::string& name, const Expression& expression) {
    auto value = evaluate(expression, relay_, session_);
    if (auto* error = std::get_if<SqlError>(&value)) return std::move(*error);
    auto& found = std::get<ExpressionValue>(value);
    if (found.text && found.text->size() > kMaxUserVariableSize) return variable_too_long(name);
    auto& variables = session_.user_variables;
    std::size_t total = found.text ? found.text->size() : 0;
    for (const auto& [other, text] : variables) {
      if (text && other != name) total += text->size();
    }
    if (total > kMaxExpressionBytes) return variable_too_long(name);
    if (variables.size() >= kMaxUserVariables && !variables.contains(name)) return too_many_user_variables();
    variables[name] = std::move(found.text);
    return std::nullopt;
  }

  std::optional<SqlError> set_system_variable(const SystemVariable& variable, const Expression& expression) {
    if (variable.explicit_scope && variable.scope == VariableScope::global) return refused_by_relay("SET GLOBAL");
    // A bare word is the value itself: SET autocommit = ON.
    if (const auto* word = std::get_if<ColumnName>(&expression.node)) {
      if (equal_ignoring_case(word->name, "DEFAULT"))
        return set_session_variable(variable.name, VariableDefault{}, relay_, session_);
      return set_session_variable(variable.name, std::optional(word->name), relay_, session_);
    }
    auto value = evaluate(expression, relay_, session_);
    if (auto* error = std::get_if<SqlError>(&value)) return std::move(*error);
    return set_session_variable(variable.name, new_value(std::get<ExpressionValue>(std::move(value))), relay_,
                                session_);
  }

  const RelayView& relay_;
  SessionState& session_;
  const SourceIdentity& source_;
};

}  // namespace

Answer answer_statement(const Statement& statement, const RelayView& relay, SessionState& session) {
  return std::visit(StatementAnswerer(relay, session), statement);
}

Answer answer_query(std::string_view text, const RelayView& relay, SessionState& session) {
  const auto parsed = parse_statement(text);
  const auto* known = std::get_if<Statement>(&parsed);
  if (known == nullptr || !std::holds_alternative<ShowWarningsStatement>(*known)) session.warnings.clear();
  if (const auto* error = std::get_if<ParseError>(&parsed)) return syntax_error(relay.source->flavour, *error);
  const auto& statement = std::get<Statement>(parsed);
  // A comment is a statement that does nothing; no text at all is an error.
  const bool blank = text.find_first_not_of(" \t\r\n;") == std::string_view::npos;
  if (blank && std::holds_alternative<EmptyStatement>(statement)) return empty_query();
  return answer_statement(statement, relay, session);
}

bool may_wait_for_disk(std::string_view query) {
  const auto equal = [](char a, char b) { return (a >= 'A' && a <= 'Z' ? a + 32 : +a) == +b; };
  for (const std::string_view word : {"binlog_gtid_pos", "purge"}) {
    if (std::search(query.begin(), query.end(), word.begin(), word.end(), equal) != query.end()) return true;
  }
  return false;
}

bool is_known_database(std::string_view name) {
  return name.empty() || equal_ignoring_case(name, "information_schema") || equal_ignoring_case(name, "mysql");
}

std::string statistics_line(const RelayView& relay) {
  const std::int64_t uptime = std::max<std::int64_t>(now_seconds() - relay.started_at, 0);
  const std::string flushes = relay.source->flavour == Flavour::mysql ? "  Flush tables: 0" : "";
  return "Uptime: " + std::to_string(uptime) + "  Threads: " + std::to_string(relay.registry->size()) +
         "  Questions: 0  Slow queries: 0  Opens: 0" + flushes + "  Open tables: 0  Queries per second avg: 0.000";
}

}  // namespace binrelay
