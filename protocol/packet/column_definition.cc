#include "protocol/packet/column_definition.h"

#include "protocol/packet/packet_framer.h"
#include "protocol/wire/byte_writer.h"

namespace binrelay {
namespace {

// MySQL manual, "enum_field_types".
enum WireType : std::uint8_t {
  kTiny = 1,
  kShort = 2,
  kLong = 3,
  kFloat = 4,
  kDouble = 5,
  kTimestamp = 7,
  kLongLong = 8,
  kInt24 = 9,
  kDate = 10,
  kTime = 11,
  kDateTime = 12,
  kYear = 13,
  kVarString = 253,
};
constexpr std::uint16_t kUtf8mb4 = 45, kUnsignedFlag = 0x20;
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
  switch (column.type) {
    case kTiny:
    case kShort:
    case kLong:
    case kInt24:
    case kYear:
      column.type = kLongLong;
      break;
    case kFloat:
    case kDouble:
    case kTimestamp:
    case kDate:
    case kTime:
    case kDateTime:
      column.type = kVarString;
      column.character_set = kUtf8mb4;
      break;
    default:
      break;
  }
  return column;
}

std::vector<Column> columns_of_rows(const std::vector<ColumnDefinition>& sent) {
  std::vector<Column> columns;
  for (const ColumnDefinition& column : sent) {
    const ColumnType type = column.type == kLongLong ? ColumnType::longlong : ColumnType::var_string;
    columns.push_back({column.name, type, (column.flags & kUnsignedFlag) != 0});
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
