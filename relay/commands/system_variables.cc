#include "relay/commands/system_variables.h"

#include <algorithm>
#include <array>
#include <map>
#include <span>

#include "protocol/wire/ascii.h"
#include "relay/commands/on_flavour.h"
#include "relay/commands/served_gtids.h"
#include "relay/commands/statement_errors.h"

namespace binrelay {
namespace {

using Compute = std::string (*)(const RelayView&, const SessionState&);
using Kind = VariableKind;
using Reach = VariableReach;

struct VariableRow {
  std::string_view name;
  Kind kind;
  Reach reach;
  OnFlavour flavours;
  std::string_view fallback;  // when the source has not said
  Compute compute = nullptr;  // the relay knows better than the source
};

// --- what the relay computes ---

std::string mysql_text(const GtidState& state) {
  const auto* set = std::get_if<MysqlGtidSet>(&state);
  return set ? set->to_text_with_newlines() : "";
}

std::string version(const RelayView& relay, const SessionState&) { return relay.source->version; }
std::string version_comment(const RelayView& relay, const SessionState&) {
  return std::string("binrelay, binlog relay of a ") + to_text(relay.source->flavour) + " server";
}
std::string server_id(const RelayView& relay, const SessionState&) {
  return std::to_string(static_cast<std::uint32_t>(relay.source->server_id));
}
std::string server_uuid(const RelayView& relay, const SessionState&) { return to_text(relay.source->server_uuid); }
std::string port(const RelayView&, const SessionState& session) { return std::to_string(session.local_port); }
std::string connection_id(const RelayView&, const SessionState& session) {
  return std::to_string(session.connection_id);
}
std::string lower_case_table_names(const RelayView& relay, const SessionState&) {
  return std::to_string(relay.source->lower_case_table_names);
}

std::string gtid_mode(const RelayView& relay, const SessionState&) {
  return relay.source->gtid_mode.empty() ? "OFF" : relay.source->gtid_mode;
}
std::string gtid_executed(const RelayView& relay, const SessionState&) { return mysql_text(served_executed(relay)); }
std::string gtid_purged(const RelayView& relay, const SessionState&) { return mysql_text(served_purged(relay)); }
std::string gtid_binlog_pos(const RelayView& relay, const SessionState&) {
  const GtidState state = relay.log->executed();
  const auto* mariadb = std::get_if<MariadbBinlogState>(&state);
  return mariadb ? mariadb->position().to_text() : "";
}
std::string gtid_binlog_state(const RelayView& relay, const SessionState&) { return to_text(relay.log->executed()); }

// What files are written with now, not what the source was asked at login.
std::string binlog_checksum(const RelayView& relay, const SessionState&) {
  const auto newest = relay.log->catalog()->newest();
  return to_text(newest ? newest->checksum : ChecksumAlgorithm::crc32);
}

std::string always_on(const RelayView&, const SessionState&) { return "ON"; }
std::string nothing(const RelayView&, const SessionState&) { return ""; }

// --- the tables ---

constexpr std::array kIdentity{
    VariableRow{"version", Kind::text, Reach::read_only, OnFlavour::both, "", version},
    VariableRow{"version_comment", Kind::text, Reach::read_only, OnFlavour::both, "", version_comment},
    VariableRow{"server_id", Kind::number, Reach::global, OnFlavour::both, "", server_id},
    VariableRow{"server_uuid", Kind::text, Reach::read_only, OnFlavour::mysql, "", server_uuid},
    VariableRow{"port", Kind::number, Reach::read_only, OnFlavour::both, "", port},
    VariableRow{"hostname", Kind::text, Reach::read_only, OnFlavour::both, "localhost"},
    VariableRow{"license", Kind::text, Reach::read_only, OnFlavour::both, "Apache-2.0"},
    VariableRow{"protocol_version", Kind::number, Reach::read_only, OnFlavour::both, "10"},
    VariableRow{"pseudo_thread_id", Kind::number, Reach::read_only, OnFlavour::both, "", connection_id},
};

constexpr std::array kPositions{
    VariableRow{"gtid_mode", Kind::text, Reach::global, OnFlavour::mysql, "", gtid_mode},
    VariableRow{"enforce_gtid_consistency", Kind::text, Reach::global, OnFlavour::mysql, "OFF"},
    VariableRow{"gtid_executed", Kind::text, Reach::read_only, OnFlavour::mysql, "", gtid_executed},
    VariableRow{"gtid_purged", Kind::text, Reach::global, OnFlavour::mysql, "", gtid_purged},
    VariableRow{"gtid_owned", Kind::text, Reach::read_only, OnFlavour::mysql, "", nothing},
    VariableRow{"gtid_next", Kind::text, Reach::session, OnFlavour::mysql, "AUTOMATIC"},
    VariableRow{"gtid_binlog_pos", Kind::text, Reach::read_only, OnFlavour::mariadb, "", gtid_binlog_pos},
    VariableRow{"gtid_current_pos", Kind::text, Reach::read_only, OnFlavour::mariadb, "", gtid_binlog_pos},
    VariableRow{"gtid_binlog_state", Kind::text, Reach::global, OnFlavour::mariadb, "", gtid_binlog_state},
    VariableRow{"gtid_slave_pos", Kind::text, Reach::global, OnFlavour::mariadb, "", nothing},
    VariableRow{"gtid_domain_id", Kind::number, Reach::session, OnFlavour::mariadb, "0"},
    VariableRow{"gtid_strict_mode", Kind::on_off, Reach::global, OnFlavour::mariadb, "OFF"},
    VariableRow{"gtid_ignore_duplicates", Kind::on_off, Reach::global, OnFlavour::mariadb, "OFF"},
};

constexpr std::array kBinlog{
    VariableRow{"log_bin", Kind::on_off, Reach::read_only, OnFlavour::both, "", always_on},
    VariableRow{"log_bin_basename", Kind::text, Reach::read_only, OnFlavour::both, ""},
    VariableRow{"log_bin_index", Kind::text, Reach::read_only, OnFlavour::both, ""},
    VariableRow{"log_slave_updates", Kind::on_off, Reach::read_only, OnFlavour::both, "", always_on},
    VariableRow{"log_replica_updates", Kind::on_off, Reach::read_only, OnFlavour::mysql, "", always_on},
    VariableRow{"binlog_format", Kind::text, Reach::session, OnFlavour::both, "ROW"},
    VariableRow{"binlog_row_image", Kind::text, Reach::session, OnFlavour::both, "FULL"},
    VariableRow{"binlog_row_metadata", Kind::text, Reach::global, OnFlavour::both, "MINIMAL"},
    VariableRow{"binlog_row_value_options", Kind::text, Reach::session, OnFlavour::mysql, ""},
    VariableRow{"binlog_checksum", Kind::text, Reach::global, OnFlavour::both, "", binlog_checksum},
    VariableRow{"binlog_rows_query_log_events", Kind::on_off, Reach::session, OnFlavour::mysql, "OFF"},
    VariableRow{"binlog_annotate_row_events", Kind::on_off, Reach::session, OnFlavour::mariadb, "ON"},
    VariableRow{"binlog_transaction_compression", Kind::on_off, Reach::session, OnFlavour::mysql, "OFF"},
    VariableRow{"log_bin_compress", Kind::on_off, Reach::global, OnFlavour::mariadb, "OFF"},
    VariableRow{"max_binlog_size", Kind::number, Reach::global, OnFlavour::both, "1073741824"},
    VariableRow{"sync_binlog", Kind::number, Reach::global, OnFlavour::both, "1"},
    VariableRow{"sql_log_bin", Kind::on_off, Reach::session, OnFlavour::both, "ON"},
    VariableRow{"skip_replication", Kind::on_off, Reach::session, OnFlavour::mariadb, "OFF"},
};

constexpr std::array kSession{
    VariableRow{"auto_increment_increment", Kind::number, Reach::session, OnFlavour::both, "1"},
    VariableRow{"auto_increment_offset", Kind::number, Reach::session, OnFlavour::both, "1"},
    VariableRow{"autocommit", Kind::on_off, Reach::session, OnFlavour::both, "ON"},
    VariableRow{"character_set_client", Kind::text, Reach::session, OnFlavour::both, "utf8mb4"},
    VariableRow{"character_set_connection", Kind::text, Reach::session, OnFlavour::both, "utf8mb4"},
    VariableRow{"character_set_database", Kind::text, Reach::session, OnFlavour::both, "utf8mb4"},
    VariableRow{"character_set_filesystem", Kind::text, Reach::session, OnFlavour::both, "binary"},
    VariableRow{"character_set_results", Kind::text, Reach::session, OnFlavour::both, "utf8mb4"},
    VariableRow{"character_set_server", Kind::text, Reach::session, OnFlavour::both, "utf8mb4"},
    VariableRow{"collation_connection", Kind::text, Reach::session, OnFlavour::both, "utf8mb4_general_ci"},
    VariableRow{"collation_database", Kind::text, Reach::session, OnFlavour::both, "utf8mb4_general_ci"},
    VariableRow{"collation_server", Kind::text, Reach::session, OnFlavour::both, "utf8mb4_general_ci"},
    VariableRow{"default_storage_engine", Kind::text, Reach::session, OnFlavour::both, "InnoDB"},
    VariableRow{"foreign_key_checks", Kind::on_off, Reach::session, OnFlavour::both, "ON"},
    VariableRow{"group_concat_max_len", Kind::number, Reach::session, OnFlavour::both, "1024"},
    VariableRow{"information_schema_stats_expiry", Kind::number, Reach::session, OnFlavour::mysql, "86400"},
    VariableRow{"innodb_lock_wait_timeout", Kind::number, Reach::session, OnFlavour::both, "50"},
    VariableRow{"interactive_timeout", Kind::number, Reach::session, OnFlavour::both, "28800"},
    VariableRow{"lock_wait_timeout", Kind::number, Reach::session, OnFlavour::both, "86400"},
    VariableRow{"log_slow_filter", Kind::text, Reach::session, OnFlavour::mariadb, ""},
    VariableRow{"max_allowed_packet", Kind::number, Reach::session, OnFlavour::both, "67108864"},
    VariableRow{"max_execution_time", Kind::number, Reach::session, OnFlavour::mysql, "0"},
    VariableRow{"max_statement_time", Kind::text, Reach::session, OnFlavour::mariadb, "0.000000"},
    VariableRow{"net_buffer_length", Kind::number, Reach::session, OnFlavour::both, "16384"},
    VariableRow{"net_read_timeout", Kind::number, Reach::session, OnFlavour::both, "30"},
    VariableRow{"net_write_timeout", Kind::number, Reach::session, OnFlavour::both, "60"},
    VariableRow{"resultset_metadata", Kind::text, Reach::session, OnFlavour::mysql, "FULL"},
    VariableRow{"session_track_gtids", Kind::text, Reach::session, OnFlavour::mysql, "OFF"},
    VariableRow{"session_track_schema", Kind::on_off, Reach::session, OnFlavour::both, "ON"},
    VariableRow{"session_track_state_change", Kind::on_off, Reach::session, OnFlavour::both, "OFF"},
    VariableRow{"session_track_system_variables", Kind::text, Reach::session, OnFlavour::both,
                "time_zone,autocommit,character_set_client,character_set_results,character_set_connection"},
    VariableRow{"session_track_transaction_info", Kind::text, Reach::session, OnFlavour::both, "OFF"},
    VariableRow{"sql_auto_is_null", Kind::on_off, Reach::session, OnFlavour::both, "OFF"},
    VariableRow{"sql_mode", Kind::text, Reach::session, OnFlavour::both, "STRICT_TRANS_TABLES,NO_ENGINE_SUBSTITUTION"},
    VariableRow{"sql_notes", Kind::on_off, Reach::session, OnFlavour::both, "ON"},
    VariableRow{"sql_quote_show_create", Kind::on_off, Reach::session, OnFlavour::both, "ON"},
    VariableRow{"sql_safe_updates", Kind::on_off, Reach::session, OnFlavour::both, "OFF"},
    VariableRow{"sql_select_limit", Kind::number, Reach::session, OnFlavour::both, "18446744073709551615"},
    VariableRow{"sql_warnings", Kind::on_off, Reach::session, OnFlavour::both, "OFF"},
    VariableRow{"time_zone", Kind::text, Reach::session, OnFlavour::both, "SYSTEM"},
    VariableRow{"transaction_isolation", Kind::text, Reach::session, OnFlavour::both, "REPEATABLE-READ"},
    VariableRow{"transaction_read_only", Kind::on_off, Reach::session, OnFlavour::both, "OFF"},
    VariableRow{"tx_isolation", Kind::text, Reach::session, OnFlavour::both, "REPEATABLE-READ"},
    VariableRow{"tx_read_only", Kind::on_off, Reach::session, OnFlavour::both, "OFF"},
    VariableRow{"unique_checks", Kind::on_off, Reach::session, OnFlavour::both, "ON"},
    VariableRow{"wait_timeout", Kind::number, Reach::session, OnFlavour::both, "28800"},
};

constexpr std::array kServer{
    VariableRow{"character_set_system", Kind::text, Reach::read_only, OnFlavour::both, "utf8mb3"},
    VariableRow{"init_connect", Kind::text, Reach::global, OnFlavour::both, "", nothing},
    VariableRow{"lower_case_table_names", Kind::number, Reach::read_only, OnFlavour::both, "", lower_case_table_names},
    VariableRow{"performance_schema", Kind::on_off, Reach::read_only, OnFlavour::both, "OFF"},
    VariableRow{"query_cache_size", Kind::number, Reach::global, OnFlavour::both, "0"},
    VariableRow{"query_cache_type", Kind::text, Reach::global, OnFlavour::both, "OFF"},
    VariableRow{"read_only", Kind::on_off, Reach::global, OnFlavour::both, "", always_on},
    VariableRow{"super_read_only", Kind::on_off, Reach::global, OnFlavour::mysql, "", always_on},
    VariableRow{"system_time_zone", Kind::text, Reach::read_only, OnFlavour::both, "UTC"},
};

constexpr std::array<std::span<const VariableRow>, 5> kTables{kIdentity, kPositions, kBinlog, kSession, kServer};

// --- looking up ---

const VariableRow* find_row(std::string_view name) {
  for (const auto& table : kTables) {
    const auto found =
        std::find_if(table.begin(), table.end(), [&](const VariableRow& row) { return row.name == name; });
    if (found != table.end()) return &*found;
  }
  return nullptr;
}

// That these exist at all tells replicas and libraries of semi-sync, a proxy or a cloud's own protocol.
bool is_hidden(std::string_view name) {
  constexpr std::array kHidden =
      std::to_array<std::string_view>({"rpl_semi_sync_", "rds_", "polarx_", "maxscale", "wsrep_"});
  return std::any_of(kHidden.begin(), kHidden.end(), [&](std::string_view prefix) { return name.starts_with(prefix); });
}

// Names, positions and GTIDs: for accounts that could read them in the binlogs anyway.
bool is_of_the_log(std::string_view name) {
  constexpr std::array kOfTheLog = std::to_array<std::string_view>(
      {"gtid_executed", "gtid_purged", "gtid_owned", "gtid_binlog_pos", "gtid_binlog_state", "gtid_current_pos",
       "gtid_slave_pos", "log_bin_basename", "log_bin_index"});
  return std::find(kOfTheLog.begin(), kOfTheLog.end(), name) != kOfTheLog.end();
}

bool may_see(std::string_view name, const SessionState& session) {
  const Privileges& privileges = session.privileges;
  return !is_of_the_log(name) || privileges.has(Privilege::replication_slave) ||
         privileges.has(Privilege::replication_client);
}

Kind guess_kind(std::string_view text) {
  if (text == "ON" || text == "OFF") return Kind::on_off;
  const bool digits = !text.empty() && std::all_of(text.begin(), text.end(), is_digit);
  return digits ? Kind::number : Kind::text;
}

VariableValue value_of(const VariableRow& row, VariableScope scope, const RelayView& relay,
                       const SessionState& session) {
  VariableValue value{std::string(row.name), row.kind, row.reach, ""};
  if (scope == VariableScope::session) {
    const auto own = session.session_variables.find(value.name);
    if (own != session.session_variables.end()) {
      value.text = own->second;
      return value;
    }
  }
  if (row.compute) {
    value.text = row.compute(relay, session);
    return value;
  }
  const auto of_source = relay.source->variables.find(value.name);
  value.text = of_source != relay.source->variables.end() ? of_source->second : std::string(row.fallback);
  return value;
}

std::string lower_case(std::string_view text) {
  std::string lower(text);
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return static_cast<char>(c >= 'A' && c <= 'Z' ? c + 32 : c); });
  return lower;
}

// --- SET ---

std::optional<std::string> checked_value(const VariableRow& row, const std::optional<std::string>& given,
                                         std::optional<SqlError>* error) {
  if (!given) {
    if (row.name == "character_set_results") return "";  // NULL: no conversion
    *error = row.kind == Kind::number ? wrong_variable_type(row.name) : wrong_variable_value(row.name, "NULL");
    return std::nullopt;
  }
  if (given->size() > kMaxSessionVariableSize) {
    *error = variable_too_long(row.name);
    return std::nullopt;
  }
  if (row.kind == Kind::on_off) {
    const std::string word = lower_case(*given);
    if (word == "1" || word == "on" || word == "true") return "ON";
    if (word == "0" || word == "off" || word == "false") return "OFF";
    *error = wrong_variable_value(row.name, *given);
    return std::nullopt;
  }
  if (row.kind == Kind::number) {
    const std::string_view digits = std::string_view(*given).substr(given->starts_with('-') ? 1 : 0);
    if (guess_kind(digits) != Kind::number) {
      *error = wrong_variable_type(row.name);
      return std::nullopt;
    }
  }
  return given;
}

constexpr std::string_view kCharacterSets[] = {
    "armscii8", "ascii", "big5",    "binary", "cp1250",  "cp1251", "cp1256", "cp1257",  "cp850",    "cp852",  "cp866",
    "cp932",    "dec8",  "eucjpms", "euckr",  "gb18030", "gb2312", "gbk",    "geostd8", "greek",    "hebrew", "hp8",
    "keybcs2",  "koi8r", "koi8u",   "latin1", "latin2",  "latin5", "latin7", "macce",   "macroman", "sjis",   "swe7",
    "tis620",   "ucs2",  "ujis",    "utf16",  "utf16le", "utf32",  "utf8",   "utf8mb3", "utf8mb4"};

}  // namespace

std::optional<VariableValue> find_variable(std::string_view name, VariableScope scope, const RelayView& relay,
                                           const SessionState& session) {
  if (is_hidden(name)) return std::nullopt;
  if (const VariableRow* row = find_row(name)) {
    if (!is_on(row->flavours, relay.source->flavour)) return std::nullopt;
    return value_of(*row, scope, relay, session);
  }
  const auto of_source = relay.source->variables.find(std::string(name));
  if (of_source == relay.source->variables.end()) return std::nullopt;
  return VariableValue{of_source->first, guess_kind(of_source->second), Reach::read_only, of_source->second};
}

std::optional<SqlError> variable_denied(std::string_view name, const RelayView& relay, const SessionState& session) {
  if (may_see(name, session)) return std::nullopt;
  return access_denied(Access::binlog_names, *relay.source);
}

std::vector<VariableValue> list_variables(VariableScope scope, const NameFilter& filter, const RelayView& relay,
                                          const SessionState& session) {
  std::map<std::string, VariableValue> by_name;
  for (const auto& table : kTables) {
    for (const VariableRow& row : table) {
      if (!is_on(row.flavours, relay.source->flavour) || !matches(filter, row.name)) continue;
      if (!may_see(row.name, session)) continue;
      by_name.emplace(row.name, value_of(row, scope, relay, session));
    }
  }
  for (const auto& [name, text] : relay.source->variables) {
    if (is_hidden(name) || find_row(name) || !matches(filter, name) || !may_see(name, session)) continue;
    by_name.emplace(name, VariableValue{name, guess_kind(text), Reach::read_only, text});
  }
  std::vector<VariableValue> listed;
  listed.reserve(by_name.size());
  for (auto& [name, value] : by_name) listed.push_back(std::move(value));
  return listed;
}

std::optional<SqlError> set_session_variable(std::string_view name, const NewVariableValue& value,
                                             const RelayView& relay, SessionState& session) {
  if (!find_variable(name, VariableScope::global, relay, session)) return unknown_variable(name);
  const VariableRow* row = find_row(name);
  if (!row || row->reach == Reach::read_only) return variable_is_read_only(name);
  if (row->reach == Reach::global) return variable_is_global(name);
  if (std::holds_alternative<VariableDefault>(value)) {
    session.session_variables.erase(std::string(name));
    return std::nullopt;
  }
  std::optional<SqlError> error;
  auto text = checked_value(*row, std::get<std::optional<std::string>>(value), &error);
  if (text) session.session_variables[std::string(name)] = std::move(*text);
  return error;
}

std::optional<SqlError> set_names(const SetNamesStatement& names, SessionState& session) {
  const std::string set = lower_case(names.character_set);
  auto& variables = session.session_variables;
  if (set == "default") {
    for (const char* name :
         {"character_set_client", "character_set_connection", "character_set_results", "collation_connection"}) {
      variables.erase(name);
    }
    return std::nullopt;
  }
  if (std::find(std::begin(kCharacterSets), std::end(kCharacterSets), set) == std::end(kCharacterSets))
    return unknown_character_set(names.character_set);
  if (names.collation.size() > kMaxSessionVariableSize) return variable_too_long("collation_connection");
  for (const char* name : {"character_set_client", "character_set_connection", "character_set_results"})
    variables[name] = set;
  if (!names.collation.empty()) {
    variables["collation_connection"] = lower_case(names.collation);
  } else {
    variables["collation_connection"] = set == "binary"   ? "binary"
                                        : set == "latin1" ? "latin1_swedish_ci"
                                                          : set + "_general_ci";
  }
  return std::nullopt;
}

}  // namespace binrelay
