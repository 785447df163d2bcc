#include "protocol/row/table_columns.h"

#include "protocol/wire/byte_reader.h"

namespace binrelay {
namespace {

enum OptionalField : std::uint8_t { kSignedness = 1, kColumnName = 4 };

bool is_number(ColumnKind kind) {
  switch (kind) {
    case ColumnKind::tiny:
    case ColumnKind::short_:
    case ColumnKind::int24:
    case ColumnKind::long_:
    case ColumnKind::long_long:
    case ColumnKind::new_decimal:
    case ColumnKind::float_:
    case ColumnKind::double_:
      return true;
    default:
      return false;
  }
}

// CHAR, ENUM and SET: the real kind, and a length whose upper bits stand, inverted, where the kind has ones.
void read_string_layout(ByteReader& in, ColumnLayout& column) {
  constexpr unsigned kLengthBits = 0x30;
  const unsigned kind = in.u8(), length = in.u8();
  column.kind = static_cast<ColumnKind>(kind | kLengthBits);
  column.size = static_cast<std::uint16_t>(length | ((kind & kLengthBits) ^ kLengthBits) << 4);
}

Status read_layout(ByteReader& in, ColumnLayout& column) {
  switch (column.kind) {
    case ColumnKind::string:
      read_string_layout(in, column);
      return Done{};
    case ColumnKind::enum_:
    case ColumnKind::set:
    case ColumnKind::new_decimal:
    case ColumnKind::bit: {
      const unsigned first = in.u8(), second = in.u8();
      column.size = static_cast<std::uint16_t>(first << 8 | second);
      return Done{};
    }
    case ColumnKind::varchar:
    case ColumnKind::var_string:
    case ColumnKind::mariadb_compressed_varchar:
      column.size = in.u16();
      return Done{};
    case ColumnKind::float_:
    case ColumnKind::double_:
    case ColumnKind::blob:
    case ColumnKind::tiny_blob:
    case ColumnKind::medium_blob:
    case ColumnKind::long_blob:
    case ColumnKind::mariadb_compressed_blob:
    case ColumnKind::json:
    case ColumnKind::geometry:
    case ColumnKind::vector:
    case ColumnKind::timestamp2:
    case ColumnKind::datetime2:
    case ColumnKind::time2:
      column.size = in.u8();
      return Done{};
    case ColumnKind::decimal:
    case ColumnKind::tiny:
    case ColumnKind::short_:
    case ColumnKind::long_:
    case ColumnKind::null:
    case ColumnKind::timestamp:
    case ColumnKind::long_long:
    case ColumnKind::int24:
    case ColumnKind::date:
    case ColumnKind::time:
    case ColumnKind::datetime:
    case ColumnKind::year:
    case ColumnKind::new_date:
      return Done{};
  }
  return Error{Errc::unsupported, "a column of type " + std::to_string(static_cast<unsigned>(column.kind))};
}

bool bit_of(Bytes bits, std::size_t number, bool first_is_highest) {
  const unsigned shift = static_cast<unsigned>(first_is_highest ? 7 - number % 8 : number % 8);
  return (std::to_integer<unsigned>(bits[number / 8]) >> shift & 1u) != 0;
}

void read_signedness(Bytes bits, std::vector<ColumnLayout>& columns) {
  std::size_t number = 0;
  for (ColumnLayout& column : columns) {
    if (!is_number(column.kind)) continue;
    if (number / 8 >= bits.size()) return;
    column.is_unsigned = bit_of(bits, number++, true);
  }
}

void read_names(Bytes field, std::vector<ColumnLayout>& columns) {
  ByteReader names(field);
  for (ColumnLayout& column : columns) {
    if (names.at_end()) return;
    column.name = names.length_encoded_text();
  }
}

// Fields this build does not know are passed over.
Status read_optional_fields(ByteReader& in, std::vector<ColumnLayout>& columns) {
  while (!in.at_end() && !in.failed()) {
    const std::uint8_t type = in.u8();
    const Bytes field = in.take(in.length_encoded());
    if (in.failed()) break;
    if (type == kSignedness) read_signedness(field, columns);
    if (type == kColumnName) read_names(field, columns);
  }
  if (in.failed()) return Error{Errc::short_input, "table map event: optional fields"};
  return Done{};
}

}  // namespace

Result<TableColumns> decode_table_columns(Bytes event, ChecksumAlgorithm checksum) {
  BINRELAY_ASSIGN(const TableMapView map, decode_table_map(event, checksum));
  BINRELAY_ASSIGN(const Bytes body, event_body(event, checksum));
  constexpr std::size_t kIdAndFlags = 8, kLengthAndEnd = 2;
  ByteReader in(body);
  in.skip(kIdAndFlags + kLengthAndEnd + map.database.size() + kLengthAndEnd + map.table.size());
  in.length_encoded();
  TableColumns table{map.table_id, std::string(map.database), std::string(map.table), {}};
  const Bytes kinds = in.take(map.column_count);
  for (const std::byte kind : kinds) table.columns.emplace_back().kind = static_cast<ColumnKind>(kind);
  ByteReader layouts(in.take(in.length_encoded()));
  for (ColumnLayout& column : table.columns) BINRELAY_TRY(read_layout(layouts, column));
  const Bytes nullable = in.take((table.columns.size() + 7) / 8);
  if (in.failed() || layouts.failed()) return Error{Errc::short_input, "table map event: columns"};
  if (!layouts.at_end()) return Error{Errc::malformed, "table map event: bytes left over behind the columns"};
  for (std::size_t i = 0; i < table.columns.size(); ++i) table.columns[i].nullable = bit_of(nullable, i, false);
  BINRELAY_TRY(read_optional_fields(in, table.columns));
  return table;
}

}  // namespace binrelay
