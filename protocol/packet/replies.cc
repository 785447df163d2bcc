#include "protocol/packet/replies.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <limits>

#include "protocol/check.h"
#include "protocol/limits.h"
#include "protocol/packet/packet_framer.h"
#include "protocol/wire/byte_writer.h"

namespace binrelay {

namespace {

constexpr std::uint8_t kOkHeader = 0x00;
constexpr std::uint8_t kNullValue = 0xfb;
constexpr std::uint8_t kEofHeader = 0xfe;
constexpr std::uint8_t kErrorHeader = 0xff;
constexpr std::uint16_t kUtf8mb4 = 45;
constexpr std::uint16_t kBinary = 63;
constexpr std::uint16_t kUnsignedFlag = 0x20;
constexpr std::uint8_t kNoFixedDecimals = 31;
constexpr std::size_t kSqlStateLength = 5;

// The first kMaxErrorText bytes, without half a UTF-8 character at the end.
std::string_view cut_error_text(std::string_view text) {
  if (text.size() <= kMaxErrorText) return text;
  std::size_t end = kMaxErrorText;
  while (end > 0 && (static_cast<unsigned char>(text[end]) & 0xc0) == 0x80) --end;
  return text.substr(0, end);
}

bool is_text(ColumnType type) { return type == ColumnType::var_string; }

// What a client may reserve for a column: the widest a number prints, or four bytes per character of the longest text.
std::uint32_t display_length(const ResultSet& result, std::size_t index) {
  switch (result.columns[index].type) {
    case ColumnType::long_:
      return 11;
    case ColumnType::longlong:
      return 21;
    case ColumnType::double_:
      return 23;
    case ColumnType::var_string:
      break;
  }
  std::uint64_t longest = 255;
  for (const auto& row : result.rows) {
    if (row[index]) longest = std::max<std::uint64_t>(longest, row[index]->size());
  }
  return static_cast<std::uint32_t>(std::min<std::uint64_t>(longest * 4, std::numeric_limits<std::uint32_t>::max()));
}

ByteBuffer build_column_definition(const ResultSet& result, std::size_t index) {
  const Column& column = result.columns[index];
  ByteWriter out;
  out.length_encoded_text("def").length_encoded_text("").length_encoded_text("").length_encoded_text("");
  out.length_encoded_text(column.name).length_encoded_text("");
  out.u8(0x0c);  // length of the fixed part
  out.u16(is_text(column.type) ? kUtf8mb4 : kBinary).u32(display_length(result, index));
  out.u8(static_cast<std::uint8_t>(column.type)).u16(column.is_unsigned ? kUnsignedFlag : 0);
  out.u8(is_text(column.type) || column.type == ColumnType::double_ ? kNoFixedDecimals : 0).zeros(2);
  return std::move(out).take();
}

ByteBuffer build_row(const std::vector<std::optional<std::string>>& row) {
  ByteWriter out;
  for (const std::optional<std::string>& value : row) {
    if (value) {
      out.length_encoded_text(*value);
    } else {
      out.u8(kNullValue);
    }
  }
  return std::move(out).take();
}

template <class Number>
Number leading_number(std::string_view text) {
  Number number{};
  std::from_chars(text.data(), text.data() + text.size(), number);
  return number;
}

std::uint64_t integer_bits(const Column& column, std::string_view text) {
  return column.is_unsigned ? leading_number<std::uint64_t>(text)
                            : static_cast<std::uint64_t>(leading_number<std::int64_t>(text));
}

void append_binary_value(ByteWriter& out, const Column& column, std::string_view text) {
  switch (column.type) {
    case ColumnType::long_:
      out.u32(static_cast<std::uint32_t>(integer_bits(column, text)));
      return;
    case ColumnType::longlong:
      out.u64(integer_bits(column, text));
      return;
    case ColumnType::double_:
      out.u64(std::bit_cast<std::uint64_t>(leading_number<double>(text)));
      return;
    case ColumnType::var_string:
      out.length_encoded_text(text);
      return;
  }
}

// The bits of the values that are NULL begin with the third.
ByteBuffer build_binary_row(const std::vector<Column>& columns, const std::vector<std::optional<std::string>>& row) {
  constexpr std::size_t kUnusedBits = 2;
  std::vector<std::uint8_t> nulls((row.size() + kUnusedBits + 7) / 8);
  ByteWriter values;
  for (std::size_t i = 0; i < row.size(); ++i) {
    const std::size_t bit = i + kUnusedBits;
    if (row[i]) {
      append_binary_value(values, columns[i], *row[i]);
    } else {
      nulls[bit / 8] = static_cast<std::uint8_t>(nulls[bit / 8] | 1u << (bit % 8));
    }
  }
  ByteWriter out;
  out.u8(kOkHeader);
  for (const std::uint8_t byte : nulls) out.u8(byte);
  out.bytes(values.view());
  return std::move(out).take();
}

}  // namespace

ByteBuffer build_ok(std::uint64_t affected_rows, std::uint16_t status, std::string_view text, std::uint16_t warnings) {
  ByteWriter out;
  out.u8(kOkHeader).length_encoded(affected_rows).length_encoded(0).u16(status).u16(warnings);
  if (!text.empty()) out.length_encoded_text(text);
  return std::move(out).take();
}

ByteBuffer build_error(const SqlError& error) {
  const bool with_state = !error.sqlstate.empty();
  BINRELAY_CHECK(!with_state || error.sqlstate.size() == kSqlStateLength, "an SQLSTATE has five characters");
  ByteWriter out;
  out.u8(kErrorHeader).u16(error.code);
  if (with_state) out.text("#").text(error.sqlstate);
  out.text(cut_error_text(error.text));
  return std::move(out).take();
}

ByteBuffer build_eof(std::uint16_t status) {
  ByteWriter out;
  out.u8(kEofHeader).u16(0).u16(status);
  return std::move(out).take();
}

ByteBuffer build_dump_eof() { return build_eof(kStatusAutocommit); }

void append_column_definitions(ByteBuffer& out, const ResultSet& result, std::uint8_t* sequence, std::uint16_t status) {
  for (std::size_t i = 0; i < result.columns.size(); ++i) {
    append_packet(out, build_column_definition(result, i), sequence);
  }
  append_packet(out, build_eof(status), sequence);
}

void append_result_head(ByteBuffer& out, const ResultSet& result, std::uint8_t* sequence, std::uint16_t status) {
  BINRELAY_CHECK(!result.columns.empty(), "a result set has columns");
  ByteWriter count;
  count.length_encoded(result.columns.size());
  append_packet(out, count.view(), sequence);
  append_column_definitions(out, result, sequence, status);
}

void append_row(ByteBuffer& out, const std::vector<Column>& columns, const std::vector<std::optional<std::string>>& row,
                RowFormat format, std::uint8_t* sequence) {
  append_packet(out, format == RowFormat::text ? build_row(row) : build_binary_row(columns, row), sequence);
}

void append_result_set(ByteBuffer& out, const ResultSet& result, std::uint8_t* sequence, std::uint16_t status,
                       RowFormat format) {
  for (const auto& row : result.rows) BINRELAY_CHECK(row.size() == result.columns.size(), "a value for each column");
  append_result_head(out, result, sequence, status);
  for (const auto& row : result.rows) append_row(out, result.columns, row, format, sequence);
  append_packet(out, build_eof(status), sequence);
}

}  // namespace binrelay
