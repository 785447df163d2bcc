#include "protocol/row/row_count.h"

#include <algorithm>

#include "protocol/event/events.h"
#include "protocol/row/table_columns.h"
#include "protocol/wire/byte_reader.h"

namespace binrelay {
namespace {

constexpr std::size_t kIdAndFlags = 8, kOwnLength = 2;

bool is_set(Bytes bits, std::size_t number) {
  return (std::to_integer<unsigned>(bits[number / 8]) >> (number % 8) & 1u) != 0;
}

std::size_t fraction_bytes(std::uint16_t digits) { return (digits + 1u) / 2; }

// Digits of a decimal stand in groups of nine; what is left over takes so many bytes.
std::size_t digit_bytes(std::size_t digits) {
  constexpr std::uint8_t kLeftOver[] = {0, 1, 1, 2, 2, 3, 3, 4, 4};
  return digits / 9 * 4 + kLeftOver[digits % 9];
}

std::optional<std::size_t> fixed_width(const ColumnLayout& column) {
  const std::uint16_t size = column.size;
  switch (column.kind) {
    case ColumnKind::tiny:
    case ColumnKind::year:
      return 1;
    case ColumnKind::short_:
      return 2;
    case ColumnKind::int24:
    case ColumnKind::date:
    case ColumnKind::new_date:
    case ColumnKind::time:
      return 3;
    case ColumnKind::long_:
    case ColumnKind::float_:
    case ColumnKind::timestamp:
      return 4;
    case ColumnKind::long_long:
    case ColumnKind::double_:
    case ColumnKind::datetime:
      return 8;
    case ColumnKind::timestamp2:
      return 4 + fraction_bytes(size);
    case ColumnKind::datetime2:
      return 5 + fraction_bytes(size);
    case ColumnKind::time2:
      return 3 + fraction_bytes(size);
    case ColumnKind::new_decimal: {
      const std::size_t precision = size >> 8, scale = size & 255u;
      if (scale > precision) return std::nullopt;
      return digit_bytes(precision - scale) + digit_bytes(scale);
    }
    case ColumnKind::bit:
      return (size & 255u) + (size >> 8 != 0 ? 1 : 0);
    case ColumnKind::enum_:
    case ColumnKind::set:
      return size & 255u;
    default:
      return std::nullopt;
  }
}

// 0: it has none.
std::uint8_t length_bytes(const ColumnLayout& column) {
  switch (column.kind) {
    case ColumnKind::varchar:
    case ColumnKind::var_string:
    case ColumnKind::string:
    case ColumnKind::mariadb_compressed_varchar:
      return column.size > 255 ? 2 : 1;
    case ColumnKind::mariadb_compressed_blob:
    case ColumnKind::tiny_blob:
    case ColumnKind::medium_blob:
    case ColumnKind::long_blob:
    case ColumnKind::blob:
    case ColumnKind::json:
    case ColumnKind::geometry:
    case ColumnKind::vector:
      return column.size >= 1 && column.size <= 4 ? static_cast<std::uint8_t>(column.size) : 0;
    default:
      return 0;
  }
}

std::uint64_t little_endian_length(ByteReader& in, std::size_t bytes) {
  std::uint64_t length = 0;
  for (std::size_t i = 0; i < bytes; ++i) length |= std::uint64_t{in.u8()} << 8 * i;
  return length;
}

struct Layout {
  bool extra = false, two_images = false, partial = false;
};
std::optional<Layout> layout_of(EventType type) {
  switch (type) {
    case EventType::write_rows_v1:
    case EventType::delete_rows_v1:
      return Layout{};
    case EventType::update_rows_v1:
      return Layout{false, true};
    case EventType::write_rows:
    case EventType::delete_rows:
      return Layout{true, false};
    case EventType::update_rows:
      return Layout{true, true};
    case EventType::partial_update_rows:
      return Layout{true, true, true};
    default:
      return std::nullopt;
  }
}

}  // namespace

std::optional<RowWidths> RowWidths::of(Bytes table_map, ChecksumAlgorithm checksum) {
  const auto table = decode_table_columns(table_map, checksum);
  if (!table) return std::nullopt;
  RowWidths widths;
  widths.columns_.reserve(table->columns.size());
  for (const ColumnLayout& column : table->columns) {
    Column step{length_bytes(column), 0};
    if (step.length_bytes == 0) {
      const auto width = fixed_width(column);
      if (!width) return std::nullopt;
      step.width = static_cast<std::uint16_t>(*width);
    }
    widths.json_columns_ += column.kind == ColumnKind::json ? 1 : 0;
    widths.columns_.push_back(step);
  }
  return widths;
}

bool RowWidths::skip_image(ByteReader& in, Bytes present) const {
  std::size_t count = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) count += is_set(present, i) ? 1 : 0;
  const Bytes nulls = in.take((count + 7) / 8);
  if (in.failed()) return false;
  std::size_t number = 0;
  for (std::size_t i = 0; i < columns_.size(); ++i) {
    if (!is_set(present, i) || is_set(nulls, number++)) continue;
    const Column& column = columns_[i];
    in.skip(column.length_bytes == 0 ? column.width
                                     : static_cast<std::size_t>(little_endian_length(in, column.length_bytes)));
  }
  return !in.failed();
}

std::optional<std::uint64_t> RowWidths::rows_in(Bytes event, ChecksumAlgorithm checksum) const {
  const auto header = decode_event_header(event);
  const auto body = event_body(event, checksum);
  const auto layout = header ? layout_of(header->type) : std::nullopt;
  if (!body || !layout) return std::nullopt;
  ByteReader in(*body);
  in.skip(kIdAndFlags);
  if (layout->extra) {
    const std::size_t extra = in.u16();
    if (extra < kOwnLength) return std::nullopt;
    in.skip(extra - kOwnLength);
  }
  if (in.length_encoded() != columns_.size() || in.failed()) return std::nullopt;
  const std::size_t bitmap = (columns_.size() + 7) / 8;
  const Bytes first = in.take(bitmap);
  const Bytes second = layout->two_images ? in.take(bitmap) : first;
  std::uint64_t rows = 0;
  while (!in.failed() && !in.at_end()) {
    const std::size_t began = in.offset();
    if (!skip_image(in, first)) return std::nullopt;
    if (layout->partial && (in.length_encoded() & 1) != 0) in.skip((json_columns_ + 7) / 8);
    if (layout->two_images && !skip_image(in, second)) return std::nullopt;
    if (in.offset() == began) return std::nullopt;
    ++rows;
  }
  return in.failed() ? std::nullopt : std::optional(rows);
}

}  // namespace binrelay
