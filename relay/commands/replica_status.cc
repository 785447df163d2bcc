#include "relay/commands/replica_status.h"

#include <array>
#include <string_view>

#include "relay/commands/on_flavour.h"

namespace binrelay {
namespace replica_status {
namespace {

using Value = std::optional<std::string>;
using Compute = Value (*)(const ReplicaStatus&);

// Named as MySQL 8.0.22 and later name them.
struct StatusColumn {
  std::string_view name;
  bool is_number;
  OnFlavour flavours;
  Compute value;
};

constexpr int kReceiveError = 1236,
              kStoreError = 1594;  // a real server's for "the source says no", "the relay log fails"

Value empty(const ReplicaStatus&) { return ""; }
Value zero(const ReplicaStatus&) { return "0"; }
Value yes_or_no(bool yes) { return yes ? "Yes" : "No"; }
bool of_mysql(const ReplicaStatus& status) { return status.source.flavour == Flavour::mysql; }

Value receive_state(const ReplicaStatus& status) {
  const std::string source = of_mysql(status) ? "source" : "master";
  if (status.receiving == ReplicaStatus::Receiving::yes) return "Waiting for " + source + " to send event";
  return status.receiving == ReplicaStatus::Receiving::connecting ? "Connecting to " + source : "";
}
Value store_state(const ReplicaStatus& status) {
  if (!status.store_error.empty()) return "";
  return of_mysql(status) ? "Replica has read all relay log; waiting for more updates"
                          : "Slave has read all relay log; waiting for more updates";
}
Value host(const ReplicaStatus& status) { return status.address.host; }
Value user(const ReplicaStatus& status) { return status.user; }
Value port(const ReplicaStatus& status) { return std::to_string(status.address.port); }
Value retry_seconds(const ReplicaStatus&) { return "1"; }
Value read_file(const ReplicaStatus& status) { return status.read_file; }
Value read_position(const ReplicaStatus& status) { return std::to_string(status.read_position); }
Value served_file(const ReplicaStatus& status) { return status.served_file; }
Value stored_file(const ReplicaStatus& status) { return status.stored_file; }
Value stored_position(const ReplicaStatus& status) { return std::to_string(status.stored_position); }
Value receiving(const ReplicaStatus& status) {
  if (status.receiving == ReplicaStatus::Receiving::connecting) return "Connecting";
  return yes_or_no(status.receiving == ReplicaStatus::Receiving::yes);
}
Value storing(const ReplicaStatus& status) { return yes_or_no(status.store_error.empty()); }
Value receive_errno(const ReplicaStatus& status) {
  return status.receive_error.empty() ? "0" : std::to_string(kReceiveError);
}
Value receive_error(const ReplicaStatus& status) { return status.receive_error; }
Value store_errno(const ReplicaStatus& status) {
  return status.store_error.empty() ? "0" : std::to_string(kStoreError);
}
Value store_error(const ReplicaStatus& status) { return status.store_error; }
Value log_bytes(const ReplicaStatus& status) { return std::to_string(status.log_bytes); }
Value until_none(const ReplicaStatus&) { return "None"; }
Value tls_allowed(const ReplicaStatus& status) { return yes_or_no(status.tls_allowed); }
Value tls_ca(const ReplicaStatus& status) { return status.tls_ca; }
Value tls_verified(const ReplicaStatus& status) { return yes_or_no(status.tls_verified); }
Value seconds_behind(const ReplicaStatus& status) {
  const bool known = status.receiving == ReplicaStatus::Receiving::yes && status.store_error.empty();
  if (!known || !status.seconds_behind) return std::nullopt;
  return std::to_string(*status.seconds_behind);
}
Value source_id(const ReplicaStatus& status) {
  return std::to_string(static_cast<std::uint32_t>(status.source.server_id));
}
Value source_uuid(const ReplicaStatus& status) { return to_text(status.source.server_uuid); }
Value null(const ReplicaStatus&) { return std::nullopt; }
Value retry_count(const ReplicaStatus&) { return "0"; }  // 0: for ever
Value executed(const ReplicaStatus& status) { return status.executed; }
Value using_no_gtid(const ReplicaStatus&) { return "No"; }  // the relay dumps by file and position
Value conservative(const ReplicaStatus&) { return "conservative"; }
Value heartbeat(const ReplicaStatus&) { return "0.000"; }

constexpr auto both = OnFlavour::both, mysql_only = OnFlavour::mysql, mariadb_only = OnFlavour::mariadb;
constexpr auto kColumns = std::to_array<StatusColumn>({
    {"Replica_IO_State", false, both, receive_state},
    {"Source_Host", false, both, host},
    {"Source_User", false, both, user},
    {"Source_Port", true, both, port},
    {"Connect_Retry", true, both, retry_seconds},
    {"Source_Log_File", false, both, read_file},
    {"Read_Source_Log_Pos", true, both, read_position},
    {"Relay_Log_File", false, both, served_file},
    {"Relay_Log_Pos", true, both, stored_position},
    {"Relay_Source_Log_File", false, both, stored_file},
    {"Replica_IO_Running", false, both, receiving},
    {"Replica_SQL_Running", false, both, storing},
    {"Replicate_Do_DB", false, both, empty},
    {"Replicate_Ignore_DB", false, both, empty},
    {"Replicate_Do_Table", false, both, empty},
    {"Replicate_Ignore_Table", false, both, empty},
    {"Replicate_Wild_Do_Table", false, both, empty},
    {"Replicate_Wild_Ignore_Table", false, both, empty},
    {"Last_Errno", true, both, store_errno},
    {"Last_Error", false, both, store_error},
    {"Skip_Counter", true, both, zero},
    {"Exec_Source_Log_Pos", true, both, stored_position},
    {"Relay_Log_Space", true, both, log_bytes},
    {"Until_Condition", false, both, until_none},
    {"Until_Log_File", false, both, empty},
    {"Until_Log_Pos", true, both, zero},
    {"Source_SSL_Allowed", false, both, tls_allowed},
    {"Source_SSL_CA_File", false, both, tls_ca},
    {"Source_SSL_CA_Path", false, both, empty},
    {"Source_SSL_Cert", false, both, empty},
    {"Source_SSL_Cipher", false, both, empty},
    {"Source_SSL_Key", false, both, empty},
    {"Seconds_Behind_Source", true, both, seconds_behind},
    {"Source_SSL_Verify_Server_Cert", false, both, tls_verified},
    {"Last_IO_Errno", true, both, receive_errno},
    {"Last_IO_Error", false, both, receive_error},
    {"Last_SQL_Errno", true, both, store_errno},
    {"Last_SQL_Error", false, both, store_error},
    {"Replicate_Ignore_Server_Ids", false, both, empty},
    {"Source_Server_Id", true, both, source_id},
    {"Source_UUID", false, mysql_only, source_uuid},
    {"Source_Info_File", false, mysql_only, empty},
    {"SQL_Delay", true, mysql_only, zero},
    {"SQL_Remaining_Delay", true, mysql_only, null},
    {"Replica_SQL_Running_State", false, mysql_only, store_state},
    {"Source_Retry_Count", true, mysql_only, retry_count},
    {"Source_Bind", false, mysql_only, empty},
    {"Last_IO_Error_Timestamp", false, mysql_only, empty},
    {"Last_SQL_Error_Timestamp", false, mysql_only, empty},
    {"Source_SSL_Crl", false, both, empty},
    {"Source_SSL_Crlpath", false, both, empty},
    {"Retrieved_Gtid_Set", false, mysql_only, executed},
    {"Executed_Gtid_Set", false, mysql_only, executed},
    {"Auto_Position", true, mysql_only, zero},
    {"Replicate_Rewrite_DB", false, mysql_only, empty},
    {"Channel_Name", false, mysql_only, empty},
    {"Source_TLS_Version", false, mysql_only, empty},
    {"Source_public_key_path", false, mysql_only, empty},
    {"Get_Source_public_key", true, mysql_only, zero},
    {"Network_Namespace", false, mysql_only, empty},
    {"Using_Gtid", false, mariadb_only, using_no_gtid},
    {"Gtid_IO_Pos", false, mariadb_only, executed},
    {"Replicate_Do_Domain_Ids", false, mariadb_only, empty},
    {"Replicate_Ignore_Domain_Ids", false, mariadb_only, empty},
    {"Parallel_Mode", false, mariadb_only, conservative},
    {"SQL_Delay", true, mariadb_only, zero},
    {"SQL_Remaining_Delay", true, mariadb_only, null},
    {"Replica_SQL_Running_State", false, mariadb_only, store_state},
    {"Replica_DDL_Groups", true, mariadb_only, zero},
    {"Replica_Non_Transactional_Groups", true, mariadb_only, zero},
    {"Replica_Transactional_Groups", true, mariadb_only, zero},
    {"Replicate_Rewrite_DB", false, mariadb_only, empty},
});
constexpr auto kBehindAllSlaves = std::to_array<StatusColumn>({
    {"Retried_transactions", true, mariadb_only, zero},
    {"Max_relay_log_size", true, mariadb_only, zero},
    {"Executed_log_entries", true, mariadb_only, zero},
    {"Slave_received_heartbeats", true, mariadb_only, zero},
    {"Slave_heartbeat_period", false, mariadb_only, heartbeat},
    {"Gtid_Slave_Pos", false, mariadb_only, executed},
});

void replace(std::string* text, std::string_view word, std::string_view by) {
  const auto at = text->find(word);
  if (at != text->npos) text->replace(at, word.size(), by);
}

// MySQL 5.x and MariaDB print the old words.
std::string printed(std::string_view name, bool old_words) {
  std::string text(name);
  if (!old_words) return text;
  replace(&text, "Replica_", "Slave_");
  replace(&text, "Source_", "Master_");
  replace(&text, "_Source", "_Master");
  return text;
}

}  // namespace
}  // namespace replica_status

ResultSet show_replica_status(const SourceIdentity& shown, bool all_channels, const ReplicaStatus* status) {
  using namespace replica_status;
  const bool old_words = shown.flavour == Flavour::mariadb || shown.version.starts_with("5.");
  const bool framed = shown.flavour == Flavour::mariadb && all_channels;
  ResultSet result;
  std::vector<Value> row;
  const auto add = [&](const StatusColumn& column) {
    if (!is_on(column.flavours, shown.flavour)) return;
    const ColumnType type = column.is_number ? ColumnType::longlong : ColumnType::var_string;
    result.columns.push_back({printed(column.name, old_words), type, column.is_number});
    if (status != nullptr) row.push_back(column.value(*status));
  };
  if (framed) add({"Connection_name", false, mariadb_only, empty});
  if (framed) add({"Slave_SQL_State", false, mariadb_only, store_state});
  for (const StatusColumn& column : kColumns) add(column);
  if (framed) {
    for (const StatusColumn& column : kBehindAllSlaves) add(column);
  }
  if (status != nullptr) result.rows.push_back(std::move(row));
  return result;
}

}  // namespace binrelay
