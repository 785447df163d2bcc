#include <cstdio>

#include "protocol/event/events.h"
#include "protocol/wire/byte_reader.h"

namespace binrelay {
namespace {

constexpr std::size_t kMaxXaPart = 64;              // XA's limit of gtrid and of bqual
constexpr std::size_t kExecuteLoadPostHeader = 13;  // file id, two offsets into the text, duplicate handling

void append_hex(std::string& text, std::string_view raw) {
  char digits[3];
  for (const char c : raw) {
    std::snprintf(digits, sizeof digits, "%02x", static_cast<unsigned>(static_cast<unsigned char>(c)));
    text += digits;
  }
}

}  // namespace

Result<QueryView> decode_query(Bytes event, ChecksumAlgorithm checksum) {
  BINRELAY_ASSIGN(const EventHeader header, decode_event_header(event));
  BINRELAY_ASSIGN(const Bytes body, event_body(event, checksum));
  ByteReader in(body);
  QueryView query;
  query.thread_id = in.u32();
  query.execution_seconds = in.u32();
  const std::uint8_t database_length = in.u8();
  query.error_code = in.u16();
  const std::uint16_t status_length = in.u16();
  if (header.type == EventType::execute_load_query) in.skip(kExecuteLoadPostHeader);
  query.status_variables = in.take(status_length);
  query.database = in.text(database_length);
  const std::uint8_t terminator = in.u8();
  if (in.failed()) return Error{Errc::short_input, "query event"};
  if (terminator != 0) return Error{Errc::malformed, "query event: the database name does not end where it should"};

  query.compressed = header.type == EventType::mariadb_query_compressed;
  if (query.compressed) {
    query.compressed_text = in.rest();
  } else {
    query.text = as_text(in.rest());
  }
  return query;
}

Result<std::uint64_t> decode_xid(Bytes event, ChecksumAlgorithm checksum) {
  BINRELAY_ASSIGN(const Bytes body, event_body(event, checksum));
  ByteReader in(body);
  const std::uint64_t xid = in.u64();
  if (in.failed() || !in.at_end())
    return Error{Errc::malformed, "XID event: " + std::to_string(body.size()) + " bytes"};
  return xid;
}

Result<XaPrepareView> decode_xa_prepare(Bytes event, ChecksumAlgorithm checksum) {
  BINRELAY_ASSIGN(const Bytes body, event_body(event, checksum));
  ByteReader in(body);
  XaPrepareView prepare;
  prepare.one_phase = in.u8() != 0;
  prepare.format_id = static_cast<std::int32_t>(in.u32());
  const std::uint32_t gtrid_length = in.u32();
  const std::uint32_t bqual_length = in.u32();
  prepare.gtrid = in.text(gtrid_length);
  prepare.bqual = in.text(bqual_length);
  if (in.failed()) return Error{Errc::short_input, "XA prepare event"};
  if (gtrid_length > kMaxXaPart || bqual_length > kMaxXaPart)
    return Error{Errc::malformed, "XA prepare event: XID length"};
  return prepare;
}

std::string xa_id_text(std::int32_t format_id, std::string_view gtrid, std::string_view bqual) {
  std::string text = "X'";
  append_hex(text, gtrid);
  text += "',X'";
  append_hex(text, bqual);
  return text + "'," + std::to_string(format_id);
}

}  // namespace binrelay
