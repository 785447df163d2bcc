#include "protocol/row/row_images.h"

#include <algorithm>

#include "protocol/event/mariadb_compression.h"
#include "protocol/limits.h"

namespace binrelay {
namespace {

struct RowsKind {
  RowOperation operation = RowOperation::insert;
  bool version_2 = false;   // extra data between flags and columns
  bool compressed = false;  // MariaDB
  bool partial = false;     // PARTIAL_UPDATE_ROWS
};

std::optional<RowsKind> kind_of(EventType type) {
  using enum RowOperation;
  switch (type) {
    case EventType::write_rows_v1:
      return RowsKind{insert};
    case EventType::update_rows_v1:
      return RowsKind{update};
    case EventType::delete_rows_v1:
      return RowsKind{remove};
    case EventType::write_rows:
      return RowsKind{insert, true};
    case EventType::update_rows:
      return RowsKind{update, true};
    case EventType::delete_rows:
      return RowsKind{remove, true};
    case EventType::partial_update_rows:
      return RowsKind{update, true, false, true};
    case EventType::mariadb_write_rows_compressed_v1:
      return RowsKind{insert, false, true};
    case EventType::mariadb_update_rows_compressed_v1:
      return RowsKind{update, false, true};
    case EventType::mariadb_delete_rows_compressed_v1:
      return RowsKind{remove, false, true};
    case EventType::mariadb_write_rows_compressed:
      return RowsKind{insert, true, true};
    case EventType::mariadb_update_rows_compressed:
      return RowsKind{update, true, true};
    case EventType::mariadb_delete_rows_compressed:
      return RowsKind{remove, true, true};
    default:
      return std::nullopt;
  }
}

bool has(Bytes bits, std::size_t number) {
  return (std::to_integer<unsigned>(bits[number / 8]) >> (number % 8) & 1u) != 0;
}

// `partial`: a bit for each JSON column of the table, that it is written as differences; empty: none is.
Result<RowImage> read_image(ByteReader& in, Bytes present, const TableColumns& table, Bytes partial = {}) {
  std::size_t count = 0;
  for (std::size_t i = 0; i < table.columns.size(); ++i) count += has(present, i) ? 1 : 0;
  const Bytes nulls = in.take((count + 7) / 8);
  if (in.failed()) return Error{Errc::short_input, "rows event: an image"};
  RowImage image(table.columns.size());
  std::size_t number = 0, json_number = 0;
  for (std::size_t i = 0; i < table.columns.size(); ++i) {
    const bool json = table.columns[i].kind == ColumnKind::json;
    const bool differences = json && !partial.empty() && has(partial, json_number);
    json_number += json ? 1 : 0;
    if (!has(present, i)) continue;
    if (has(nulls, number++)) {
      image[i] = ColumnValue(SqlNull{});
    } else if (differences) {
      BINRELAY_ASSIGN(image[i], decode_json_differences(in));
    } else {
      BINRELAY_ASSIGN(image[i], decode_column_value(in, table.columns[i]));
    }
  }
  return image;
}

// Which JSON columns of the image that follows are differences to the one before: a bit for each; empty: none.
Bytes read_partial_bits(ByteReader& in, const TableColumns& table) {
  constexpr std::uint64_t kPartialJson = 1;
  if ((in.length_encoded() & kPartialJson) == 0) return {};
  const auto json_columns = static_cast<std::size_t>(
      std::count_if(table.columns.begin(), table.columns.end(),
                    [](const ColumnLayout& column) { return column.kind == ColumnKind::json; }));
  return in.take((json_columns + 7) / 8);
}

Status read_rows(ByteReader in, const RowsKind& kind, Bytes before, Bytes after, const TableColumns& table,
                 const std::function<Status(RowChange)>& visit) {
  while (!in.at_end()) {
    const std::size_t began = in.offset();
    RowChange change{kind.operation, {}, {}};
    if (kind.operation != RowOperation::insert) {
      BINRELAY_ASSIGN(change.before, read_image(in, before, table));
    }
    const Bytes partial = kind.partial ? read_partial_bits(in, table) : Bytes();
    if (in.failed()) return Error{Errc::short_input, "rows event: a row"};
    if (kind.operation != RowOperation::remove) {
      BINRELAY_ASSIGN(change.after, read_image(in, after, table, partial));
    }
    if (in.failed()) return Error{Errc::short_input, "rows event: a row"};
    if (in.offset() == began) return Error{Errc::malformed, "rows event: rows of nothing"};
    BINRELAY_TRY(visit(std::move(change)));
  }
  return Done{};
}

}  // namespace

Status decode_row_images(Bytes event, ChecksumAlgorithm checksum, const TableColumns& table,
                         const std::function<Status(RowChange)>& visit) {
  BINRELAY_ASSIGN(const EventHeader header, decode_event_header(event));
  BINRELAY_ASSIGN(const Bytes body, event_body(event, checksum));
  const auto kind = kind_of(header.type);
  if (!kind) return Error{Errc::unsupported, "not a rows event"};
  constexpr std::size_t kIdAndFlags = 8, kOwnLength = 2;
  ByteReader in(body);
  in.skip(kIdAndFlags);
  if (kind->version_2) {
    const std::size_t extra = in.u16();  // with these two bytes
    if (extra < kOwnLength) return Error{Errc::malformed, "rows event: extra data"};
    in.skip(extra - kOwnLength);
  }
  const std::uint64_t columns = in.length_encoded();
  if (in.failed() || columns != table.columns.size())
    return Error{Errc::malformed, "rows event: not the columns of its table map"};
  const std::size_t bitmap = (table.columns.size() + 7) / 8;
  const Bytes first = in.take(bitmap);
  const Bytes second = kind->operation == RowOperation::update ? in.take(bitmap) : first;
  const Bytes rows = in.rest();
  if (in.failed()) return Error{Errc::short_input, "rows event: columns"};
  if (!kind->compressed) return read_rows(ByteReader(rows), *kind, first, second, table, visit);
  BINRELAY_ASSIGN(const std::string inflated, inflate_mariadb(rows, kMaxEventSize));
  return read_rows(ByteReader(as_bytes(inflated)), *kind, first, second, table, visit);
}

}  // namespace binrelay
