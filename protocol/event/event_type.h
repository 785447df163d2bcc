#pragma once
// Type bytes of binlog events. Sources: MySQL manual "Binary Log Event Types"; MariaDB knowledge base "Replication
// Protocol: event types".
#include <cstdint>
#include <string_view>

namespace binrelay {

enum class EventType : std::uint8_t {
  start_v3 = 1,
  query = 2,
  stop = 3,
  rotate = 4,
  intvar = 5,
  append_block = 9,
  delete_file = 11,
  rand = 13,
  user_var = 14,
  format_description = 15,
  xid = 16,
  begin_load_query = 17,
  execute_load_query = 18,
  table_map = 19,
  write_rows_v1 = 23,
  update_rows_v1 = 24,
  delete_rows_v1 = 25,
  incident = 26,
  heartbeat = 27,
  ignorable = 28,
  rows_query = 29,
  write_rows = 30,
  update_rows = 31,
  delete_rows = 32,
  gtid = 33,
  anonymous_gtid = 34,
  previous_gtids = 35,
  transaction_context = 36,
  view_change = 37,
  xa_prepare = 38,
  partial_update_rows = 39,
  transaction_payload = 40,
  heartbeat_v2 = 41,
  gtid_tagged = 42,
  mariadb_annotate_rows = 160,
  mariadb_binlog_checkpoint = 161,
  mariadb_gtid = 162,
  mariadb_gtid_list = 163,
  mariadb_start_encryption = 164,
  mariadb_query_compressed = 165,
  mariadb_write_rows_compressed_v1 = 166,
  mariadb_update_rows_compressed_v1 = 167,
  mariadb_delete_rows_compressed_v1 = 168,
  mariadb_write_rows_compressed = 169,
  mariadb_update_rows_compressed = 170,
  mariadb_delete_rows_compressed = 171,
  mariadb_partial_row_data = 172,
};

// The name SHOW BINLOG EVENTS prints ("Format_desc", "Query", "Gtid", …), "Unknown" for types this build does not know.
std::string_view event_type_name(EventType type);

// Any rows event of either family, compressed ones included.
bool is_rows_event(EventType type);

// The first event of a group of MySQL (>= 5.7); of either family.
inline bool is_mysql_gtid(EventType type) {
  return type == EventType::gtid || type == EventType::anonymous_gtid || type == EventType::gtid_tagged;
}
inline bool is_gtid(EventType type) { return is_mysql_gtid(type) || type == EventType::mariadb_gtid; }

// Events of the file, not of a transaction: they stand between groups.
inline bool belongs_to_file(EventType type) {
  switch (type) {
    case EventType::format_description:
    case EventType::rotate:
    case EventType::stop:
    case EventType::previous_gtids:
    case EventType::mariadb_gtid_list:
    case EventType::mariadb_binlog_checkpoint:
    case EventType::mariadb_start_encryption:
      return true;
    default:
      return false;
  }
}

}  // namespace binrelay
