#include "protocol/event/event_type.h"

#include <array>
#include <cstddef>

namespace binrelay {
namespace {

struct TypeRow {
  EventType type;
  std::string_view name;
  bool rows = false;
};

constexpr bool kRows = true;
constexpr TypeRow kTypes[] = {
    {EventType::start_v3, "Start_v3"},
    {EventType::query, "Query"},
    {EventType::stop, "Stop"},
    {EventType::rotate, "Rotate"},
    {EventType::intvar, "Intvar"},
    {EventType::append_block, "Append_block"},
    {EventType::delete_file, "Delete_file"},
    {EventType::rand, "RAND"},
    {EventType::user_var, "User var"},
    {EventType::format_description, "Format_desc"},
    {EventType::xid, "Xid"},
    {EventType::begin_load_query, "Begin_load_query"},
    {EventType::execute_load_query, "Execute_load_query"},
    {EventType::table_map, "Table_map"},
    {EventType::write_rows_v1, "Write_rows_v1", kRows},
    {EventType::update_rows_v1, "Update_rows_v1", kRows},
    {EventType::delete_rows_v1, "Delete_rows_v1", kRows},
    {EventType::incident, "Incident"},
    {EventType::heartbeat, "Heartbeat"},
    {EventType::ignorable, "Ignorable"},
    {EventType::rows_query, "Rows_query"},
    {EventType::write_rows, "Write_rows", kRows},
    {EventType::update_rows, "Update_rows", kRows},
    {EventType::delete_rows, "Delete_rows", kRows},
    {EventType::gtid, "Gtid"},
    {EventType::anonymous_gtid, "Anonymous_Gtid"},
    {EventType::previous_gtids, "Previous_gtids"},
    {EventType::transaction_context, "Transaction_context"},
    {EventType::view_change, "View_change"},
    {EventType::xa_prepare, "XA_prepare"},
    {EventType::partial_update_rows, "Update_rows_partial", kRows},
    {EventType::transaction_payload, "Transaction_payload"},
    {EventType::heartbeat_v2, "Heartbeat_v2"},
    {EventType::gtid_tagged, "Gtid_tagged_log_event"},
    {EventType::mariadb_annotate_rows, "Annotate_rows"},
    {EventType::mariadb_binlog_checkpoint, "Binlog_checkpoint"},
    {EventType::mariadb_gtid, "Gtid"},
    {EventType::mariadb_gtid_list, "Gtid_list"},
    {EventType::mariadb_start_encryption, "Start_encryption"},
    {EventType::mariadb_query_compressed, "Query_compressed"},
    {EventType::mariadb_write_rows_compressed_v1, "Write_rows_compressed_v1", kRows},
    {EventType::mariadb_update_rows_compressed_v1, "Update_rows_compressed_v1", kRows},
    {EventType::mariadb_delete_rows_compressed_v1, "Delete_rows_compressed_v1", kRows},
    {EventType::mariadb_write_rows_compressed, "Write_rows_compressed", kRows},
    {EventType::mariadb_update_rows_compressed, "Update_rows_compressed", kRows},
    {EventType::mariadb_delete_rows_compressed, "Delete_rows_compressed", kRows},
    {EventType::mariadb_partial_row_data, "Partial_rows"},
};

constexpr std::array<TypeRow, 256> by_number() {
  std::array<TypeRow, 256> table{};
  for (TypeRow& row : table) row.name = "Unknown";
  for (const TypeRow& row : kTypes) table[static_cast<std::size_t>(row.type)] = row;
  return table;
}

constexpr std::array<TypeRow, 256> kByNumber = by_number();

}  // namespace

std::string_view event_type_name(EventType type) { return kByNumber[static_cast<std::size_t>(type)].name; }

bool is_rows_event(EventType type) { return kByNumber[static_cast<std::size_t>(type)].rows; }

}  // namespace binrelay
