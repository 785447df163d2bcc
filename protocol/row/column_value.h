#pragma once
// A value of a row as the binlog holds it (MySQL manual, "Binary Log Event Types"; MySQL server, sql/rpl_record.cc and
// the fields' pack functions; decimals: strings/decimal.cc, decimal2bin).
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "protocol/result.h"
#include "protocol/row/table_columns.h"
#include "protocol/wire/byte_reader.h"

namespace binrelay {

struct SqlNull {
  friend bool operator==(const SqlNull&, const SqlNull&) = default;
};
// How a JSON document became the one behind an update (binlog_row_value_options=PARTIAL_JSON; MySQL server,
// sql/json_diff.cc): to be carried out in this order. None: it stayed as it was.
struct JsonDifference {
  enum class Operation : std::uint8_t { replace, insert, remove };
  Operation operation = Operation::replace;
  std::string path;   // $.name[0]
  std::string value;  // as MySQL stores it; of a removal empty
  friend bool operator==(const JsonDifference&, const JsonDifference&) = default;
};
using JsonDifferences = std::vector<JsonDifference>;
// Numbers by value; ENUM: its number; SET and BIT: the bits; decimals, dates and times as SQL writes them, TIMESTAMP as
// seconds since 1970 with its fraction; everything else as the column's bytes: text in its character set, JSON as MySQL
// stores it, geometry as SRID and WKB, a vector's floats. What MariaDB has compressed is as it was before.
using ColumnValue = std::variant<SqlNull, std::int64_t, std::uint64_t, double, std::string, JsonDifferences>;

inline constexpr std::size_t kMaxColumnBytes = 1u << 30;  // of one that MariaDB has compressed

// Reads one value. Errc::short_input, malformed, unsupported, limit.
Result<ColumnValue> decode_column_value(ByteReader& in, const ColumnLayout& column);
// What stands in the place of a JSON document.
Result<JsonDifferences> decode_json_differences(ByteReader& in);

}  // namespace binrelay
