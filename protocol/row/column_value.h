#pragma once
// A value of a row as the binlog holds it (MySQL manual, "Binary Log Event Types"; MySQL server, sql/rpl_record.cc and
// the fields' pack functions; decimals: strings/decimal.cc, decimal2bin).
#include <cstdint>
#include <string>
#include <variant>

#include "protocol/result.h"
#include "protocol/row/table_columns.h"
#include "protocol/wire/byte_reader.h"

namespace binrelay {

struct SqlNull {
  friend bool operator==(const SqlNull&, const SqlNull&) = default;
};
// Numbers by value; ENUM: its number; SET and BIT: the bits; decimals, dates and times as SQL writes them, TIMESTAMP as
// seconds since 1970 with its fraction; everything else as the column's bytes: text in its character set, JSON as MySQL
// stores it, geometry as SRID and WKB, a vector's floats. What MariaDB has compressed is as it was before.
using ColumnValue = std::variant<SqlNull, std::int64_t, std::uint64_t, double, std::string>;

inline constexpr std::size_t kMaxColumnBytes = 1u << 30;  // of one that MariaDB has compressed

// Reads one value. Errc::short_input, malformed, unsupported, limit.
Result<ColumnValue> decode_column_value(ByteReader& in, const ColumnLayout& column);

}  // namespace binrelay
