#include "protocol/event/events.h"
#include "protocol/wire/byte_reader.h"

namespace binrelay {

Result<TableMapView> decode_table_map(Bytes event, ChecksumAlgorithm checksum) {
  BINRELAY_ASSIGN(const Bytes body, event_body(event, checksum));
  ByteReader in(body);
  TableMapView map;
  map.table_id = in.u48();
  in.skip(2);  // flags
  map.database = in.text(in.u8());
  const std::uint8_t database_end = in.u8();
  map.table = in.text(in.u8());
  const std::uint8_t table_end = in.u8();
  map.column_count = in.length_encoded();
  if (in.failed() || map.column_count > in.remaining())
    return Error{Errc::short_input, "table map event"};  // a byte a column
  if (database_end != 0 || table_end != 0)
    return Error{Errc::malformed, "table map event: names do not end where they should"};
  return map;
}

Result<RowsView> decode_rows_head(Bytes event, ChecksumAlgorithm checksum) {
  BINRELAY_ASSIGN(const Bytes body, event_body(event, checksum));
  ByteReader in(body);
  RowsView rows;
  rows.table_id = in.u48();
  rows.flags = in.u16();
  if (in.failed()) return Error{Errc::short_input, "rows event"};
  return rows;
}

Result<TransactionPayloadView> decode_transaction_payload(Bytes event, ChecksumAlgorithm checksum) {
  enum Field : std::uint64_t { kEnd = 0, kPayloadSize = 1, kCompression = 2, kUncompressedSize = 3 };
  constexpr int kMaxFields = 16;  // three are known
  BINRELAY_ASSIGN(const Bytes body, event_body(event, checksum));
  ByteReader in(body);
  TransactionPayloadView view;
  std::uint64_t payload_size = 0;
  for (int fields = 0;; ++fields) {
    const std::uint64_t id = in.length_encoded();
    if (in.failed() || fields > kMaxFields) return Error{Errc::malformed, "transaction payload event: fields"};
    if (id == kEnd) break;
    const Bytes value = in.take(in.length_encoded());
    ByteReader number(value);
    if (id == kPayloadSize) payload_size = number.length_encoded();
    if (id == kCompression) view.compression = number.length_encoded();
    if (id == kUncompressedSize) view.uncompressed_size = number.length_encoded();
    if (in.failed() || number.failed())
      return Error{Errc::malformed, "transaction payload event: field " + std::to_string(id)};
  }
  view.payload = in.rest();
  if (view.payload.size() != payload_size) return Error{Errc::malformed, "transaction payload event: payload size"};
  return view;
}

}  // namespace binrelay
