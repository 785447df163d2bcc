#include "relay/upstream/source_facts.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <functional>
#include <map>

#include "relay/upstream/source_error.h"

namespace binrelay {
namespace {

constexpr std::uint64_t kMysqlEncryptionHeader =
    512;  // MySQL manual, "Encrypting Binary Log Files and Relay Log Files"
constexpr std::uint32_t kSyntaxError = 1064;

template <class Number>
Result<Number> number_from(const std::optional<std::string>& text, std::string_view what) {
  Number value{};
  if (text) {
    const char* const end = text->data() + text->size();
    if (const auto [stop, error] = std::from_chars(text->data(), end, value); error == std::errc{} && stop == end)
      return value;
  }
  return Error{Errc::malformed,
               "the source's " + std::string(what) + " is '" + text.value_or("NULL") + "', not a number"};
}

std::string without_newlines(std::string text) {
  std::erase(text, '\n');
  return text;
}

Result<Table> ask(EventSource& source, Flavour flavour, const std::string& statement) {
  auto answer = source.query(statement);
  if (!answer) return explained(std::move(answer).error(), source.server_error(), flavour);
  return answer;
}

}  // namespace

Result<SourceIdentity> read_identity(EventSource& source) {
  SourceIdentity identity;
  identity.version = source.server_version();
  identity.flavour = flavour_of(identity.version);
  BINRELAY_ASSIGN(const Table all, ask(source, identity.flavour, "SHOW GLOBAL VARIABLES"));
  std::map<std::string, std::string, std::less<>> variables;
  for (const auto& row : all.rows) {
    if (row.size() < 2 || !row[0]) continue;
    std::string name = *row[0];
    std::transform(name.begin(), name.end(), name.begin(), [](unsigned char letter) { return std::tolower(letter); });
    variables[name] = row[1].value_or("");
  }
  const auto value = [&](std::string_view name) -> std::optional<std::string> {
    const auto found = variables.find(name);
    return found == variables.end() ? std::nullopt : std::optional(found->second);
  };
  if (value("log_bin") == "OFF") {
    return Error{Errc::refused, "the source writes no binary log: set log_bin in its configuration and restart it"};
  }
  BINRELAY_ASSIGN(const auto server_id, number_from<std::uint32_t>(value("server_id"), "server_id"));
  identity.server_id = ServerId{server_id};
  BINRELAY_ASSIGN(identity.lower_case_table_names,
                  number_from<std::uint8_t>(value("lower_case_table_names"), "lower_case_table_names"));
  if (identity.flavour == Flavour::mysql) {
    BINRELAY_ASSIGN(identity.server_uuid, parse_uuid(value("server_uuid").value_or("")));
    identity.gtid_mode = value("gtid_mode").value_or("OFF");
    identity.gtid_purged_at_start = without_newlines(value("gtid_purged").value_or(""));
  }
  for (auto& [name, text] : variables) {
    if (name.starts_with("binlog_") ||
        std::find(kKeptVariables.begin(), kKeptVariables.end(), name) != kKeptVariables.end()) {
      identity.variables.emplace(name, text);
    }
  }
  return identity;
}

Flavour flavour_of(std::string_view version) {
  constexpr std::string_view kName = "mariadb";
  const auto same = [](char left, char right) { return std::tolower(static_cast<unsigned char>(left)) == right; };
  return std::search(version.begin(), version.end(), kName.begin(), kName.end(), same) == version.end()
             ? Flavour::mysql
             : Flavour::mariadb;
}

Result<std::vector<BinlogFile>> read_binlog_files(EventSource& source, Flavour flavour) {
  BINRELAY_ASSIGN(const Table list, ask(source, flavour, "SHOW BINARY LOGS"));
  std::vector<BinlogFile> files;
  for (std::size_t row = 0; row < list.rows.size(); ++row) {
    BinlogFile file{list.at(row, "Log_name").value_or(""), 0};
    BINRELAY_ASSIGN(file.size, number_from<std::uint64_t>(list.at(row, "File_size"), "File_size of " + file.name));
    if (list.at(row, "Encrypted") == "Yes" && file.size >= kMysqlEncryptionHeader) file.size -= kMysqlEncryptionHeader;
    files.push_back(std::move(file));
  }
  return files;
}

Result<BinlogEnd> read_binlog_end(EventSource& source, Flavour flavour) {
  auto status = source.query(flavour == Flavour::mysql ? "SHOW BINARY LOG STATUS" : "SHOW MASTER STATUS");
  // MySQL before 8.2 knows the old name only.
  if (!status && source.server_error() == kSyntaxError && flavour == Flavour::mysql)
    status = source.query("SHOW MASTER STATUS");
  if (!status) return explained(std::move(status).error(), source.server_error(), flavour);
  BinlogEnd end{status->at(0, "File").value_or(""), 0};
  if (end.file.empty()) return Error{Errc::refused, "the source names no current binary log"};
  BINRELAY_ASSIGN(end.position, number_from<std::uint64_t>(status->at(0, "Position"), "binary log position"));
  return end;
}

Result<GtidState> read_executed(EventSource& source, const SourceIdentity& identity) {
  if (identity.flavour == Flavour::mariadb) {
    BINRELAY_ASSIGN(const Table answer, ask(source, identity.flavour, "SELECT @@global.gtid_binlog_state AS state"));
    BINRELAY_ASSIGN(MariadbBinlogState state, MariadbBinlogState::parse(answer.at(0, "state").value_or("")));
    return GtidState(std::move(state));
  }
  if (identity.gtid_mode.empty()) return GtidState(MysqlGtidSet{});  // MySQL 5.5 has none
  BINRELAY_ASSIGN(const Table answer, ask(source, identity.flavour, "SELECT @@global.gtid_executed AS executed"));
  BINRELAY_ASSIGN(MysqlGtidSet set, MysqlGtidSet::parse(answer.at(0, "executed").value_or("")));
  return GtidState(std::move(set));
}

Result<SourceFacts> read_source_facts(EventSource& source) {
  SourceFacts facts;
  BINRELAY_ASSIGN(facts.identity, read_identity(source));
  BINRELAY_ASSIGN(facts.files, read_binlog_files(source, facts.identity.flavour));
  BINRELAY_ASSIGN(facts.end, read_binlog_end(source, facts.identity.flavour));
  BINRELAY_ASSIGN(facts.executed, read_executed(source, facts.identity));
  if (facts.files.empty()) return Error{Errc::refused, "the source's list of binary logs is empty"};
  return facts;
}

Status prepare_dump_session(EventSource& source, Flavour flavour, const Uuid& relay_uuid, std::uint32_t heartbeat_ms) {
  const std::string period = std::to_string(std::uint64_t{heartbeat_ms} * 1'000'000);
  const std::string uuid = to_text(relay_uuid);
  // Old and new names: MySQL prefers the new ones, MariaDB and older MySQL know only the old.
  std::string settings =
      "SET @master_binlog_checksum = 'CRC32', @source_binlog_checksum = 'CRC32', @master_heartbeat_period = " + period +
      ", @source_heartbeat_period = " + period + ", @slave_uuid = '" + uuid + "', @replica_uuid = '" + uuid + "'";
  // 4: events are sent as they are in the file, none replaced (MariaDB server, sql/slave.h).
  if (flavour == Flavour::mariadb) settings += ", @mariadb_slave_capability = 4";
  BINRELAY_TRY(ask(source, flavour, settings));
  return Done{};
}

}  // namespace binrelay
