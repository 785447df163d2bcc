#include "protocol/packet/column_definition.h"

#include "protocol/packet/packet_framer.h"
#include "protocol/row/table_columns.h"
#include "protocol/wire/byte_writer.h"

namespace binrelay {
namespace {

constexpr std::uint16_t kUtf8mb4ForTexts = 45, kUnsignedColumn = 0x20;
constexpr std::uint8_t kFixedPart = 0x0c;

ByteBuffer build_definition(const ColumnDefinition& column) {
  ByteWriter out;
  out.length_encoded_text("def").length_encoded_text(column.schema).length_encoded_text(column.table);
  out.length_encoded_text(column.original_table).length_encoded_text(column.name);
  out.length_encoded_text(column.original_name);
  out.u8(kFixedPart).u16(column.character_set).u32(column.length).u8(column.type).u16(column.flags);
  out.u8(column.decimals).zeros(2);
  return std::move(out).take();
}

}  // namespace

ColumnDefinition as_sent(ColumnDefinition column, RowFormat format) {
  if (format == RowFormat::text) return column;
  switch (static_cast<ColumnKind>(column.type)) {
    case ColumnKind::tiny:
    case ColumnKind::short_:
    case ColumnKind::long_:
    case ColumnKind::int24:
    case ColumnKind::year:
      column.type = static_cast<std::uint8_t>(ColumnKind::long_long);
      break;
    case ColumnKind::float_:
    case ColumnKind::double_:
    case ColumnKind::timestamp:
    case ColumnKind::date:
    case ColumnKind::time:
    case ColumnKind::datetime:
      column.type = static_cast<std::uint8_t>(ColumnKind::var_string);
      column.character_set = kUtf8mb4ForTexts;
      break;
    default:
      break;
  }
  return column;
}

std::vector<Column> columns_of_rows(const std::vector<ColumnDefinition>& sent) {
  std::vector<Column> columns;
  for (const ColumnDefinition& column : sent) {
    const ColumnType type =
        column.type == static_cast<std::uint8_t>(ColumnKind::long_long) ? ColumnType::longlong : ColumnType::var_string;
    columns.push_back({column.name, type, (column.flags & kUnsignedColumn) != 0});
  }
  return columns;
}

void append_definitions(ByteBuffer& out, const std::vector<ColumnDefinition>& sent, std::uint8_t* sequence,
                        std::uint16_t status) {
  ByteWriter count;
  count.length_encoded(sent.size());
  append_packet(out, count.view(), sequence);
  for (const ColumnDefinition& column : sent) append_packet(out, build_definition(column), sequence);
  append_packet(out, build_eof(status), sequence);
}

}  // namespace binrelay
