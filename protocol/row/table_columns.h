#pragma once
// What a TABLE_MAP event says of a table's columns: how their values stand in the rows events that follow it.
// Sources: MySQL manual, "Table_map_log_event"; MariaDB server, sql/log_event_server.cc.
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/event/events.h"

namespace binrelay {

// Type bytes of columns (MySQL manual, "enum_field_types"), as the binlog uses them.
enum class ColumnKind : std::uint8_t {
  decimal = 0,
  tiny = 1,
  short_ = 2,
  long_ = 3,
  float_ = 4,
  double_ = 5,
  null = 6,
  timestamp = 7,
  long_long = 8,
  int24 = 9,
  date = 10,
  time = 11,
  datetime = 12,
  year = 13,
  new_date = 14,
  varchar = 15,
  bit = 16,
  timestamp2 = 17,
  datetime2 = 18,
  time2 = 19,
  mariadb_compressed_blob = 140,
  mariadb_compressed_varchar = 141,
  vector = 242,
  json = 245,
  new_decimal = 246,
  enum_ = 247,
  set = 248,
  tiny_blob = 249,
  medium_blob = 250,
  long_blob = 251,
  blob = 252,
  var_string = 253,
  string = 254,
  geometry = 255,
};

struct ColumnLayout {
  ColumnKind kind = ColumnKind::null;  // of CHAR, ENUM and SET the real one
  std::uint16_t size = 0;              // of the kind: bytes, or bits, or precision and scale; see column_value.cc
  bool nullable = false;
  bool is_unsigned = false;  // numbers, as far as the event says so
  std::string name;          // "": the event does not tell (binlog_row_metadata = MINIMAL, NO_LOG)
};

struct TableColumns {
  std::uint64_t table_id = 0;
  std::string database, table;
  std::vector<ColumnLayout> columns;
};

// Errc::malformed, Errc::short_input; Errc::unsupported: a kind of column that this build does not know.
Result<TableColumns> decode_table_columns(Bytes event, ChecksumAlgorithm checksum);

}  // namespace binrelay
