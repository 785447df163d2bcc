#include <algorithm>
#include <cinttypes>
#include <cstdio>
#include <iterator>

#include "protocol/event/events.h"
#include "protocol/event/mariadb_compression.h"
#include "protocol/wire/byte_reader.h"

namespace binrelay {
namespace {

constexpr std::uint16_t kFlagSuppressUse = 0x0008;  // LOG_EVENT_SUPPRESS_USE_F
constexpr std::uint16_t kSqlForeignKeys = 0x0010;   // USE_SQL_FOREIGN_KEY_F, MySQL 9.6

std::string hex_number(std::uint64_t value) {
  char text[24];
  std::snprintf(text, sizeof text, "0x%" PRIx64, value);
  return text;
}

// One line of at most `max_length` bytes: control characters become \n, \t, \xNN; a cut never splits a UTF-8 character.
std::string one_line(std::string_view text, std::size_t max_length) {
  std::string line;
  for (const char c : text.substr(0, max_length)) {
    const auto byte = static_cast<unsigned char>(c);
    if (c == '\n') {
      line += "\\n";
    } else if (c == '\r') {
      line += "\\r";
    } else if (c == '\t') {
      line += "\\t";
    } else if (byte < 0x20 || byte == 0x7f) {
      char escaped[8];
      std::snprintf(escaped, sizeof escaped, "\\x%02x", static_cast<unsigned>(byte));
      line += escaped;
    } else {
      line += c;
    }
  }
  if (line.size() <= max_length && text.size() <= max_length) return line;
  std::size_t end = std::min(line.size(), max_length);
  while (end > 0 && end < line.size() && (static_cast<unsigned char>(line[end]) & 0xc0) == 0x80) --end;
  line.resize(end);
  return line;
}

// What a description needs at hand.
struct Described {
  EventHeader header;
  Bytes event;
  ChecksumAlgorithm checksum;
  Bytes body;
  std::size_t max_length;
};

Result<std::string> format_description_text(const Described& in) {
  BINRELAY_ASSIGN(const FormatDescription description, decode_format_description(in.event));
  return "Server ver: " + description.server_version + ", Binlog ver: " + std::to_string(description.binlog_version);
}

Result<std::string> query_text(const Described& in) {
  BINRELAY_ASSIGN(const QueryView query, decode_query(in.event, in.checksum));
  std::string text;
  if ((in.header.flags & kFlagSuppressUse) == 0 && !query.database.empty())
    text = "use `" + std::string(query.database) + "`; ";
  if (!query.compressed) return text.append(query.text.substr(0, in.max_length));
  BINRELAY_ASSIGN(const std::string inflated, inflate_mariadb(query.compressed_text, in.max_length));
  return text + inflated;
}

Result<std::string> execute_load_query_text(const Described& in) {
  constexpr std::size_t kFileIdOffset = 13;  // behind the post-header of a QUERY
  BINRELAY_ASSIGN(const std::string query, query_text(in));
  ByteReader body(in.body);
  body.skip(kFileIdOffset);
  return query + " ;file_id=" + std::to_string(body.u32());
}

Result<std::string> mysql_gtid_text(const Described& in) {
  BINRELAY_ASSIGN(const MysqlGtidEvent gtid, decode_mysql_gtid(in.event, in.checksum));
  return "SET @@SESSION.GTID_NEXT= '" + (gtid.anonymous ? std::string("ANONYMOUS") : to_text(gtid.gtid)) + "'";
}

Result<std::string> mariadb_gtid_text(const Described& in) {
  BINRELAY_ASSIGN(const MariadbGtidEvent gtid, decode_mariadb_gtid(in.event, in.checksum));
  std::string text;
  if (gtid.flags & MariadbGtidEvent::kPreparedXa) {
    text = "XA START " + gtid.xa_id + " ";
  } else if ((gtid.flags & (MariadbGtidEvent::kStandalone | MariadbGtidEvent::kCompletedXa)) == 0) {
    text = "BEGIN ";
  }
  text += "GTID " + to_text(gtid.gtid);
  if (gtid.flags & MariadbGtidEvent::kGroupCommitId) text += " cid=" + std::to_string(gtid.commit_id);
  const std::string started = " id=" + std::to_string(gtid.start_alter_sequence);
  if (gtid.extra_flags & MariadbGtidEvent::kStartAlter) text += " START ALTER";
  if (gtid.extra_flags & MariadbGtidEvent::kCommitAlter) text += " COMMIT ALTER" + started;
  if (gtid.extra_flags & MariadbGtidEvent::kRollbackAlter) text += " ROLLBACK ALTER" + started;
  return text;
}

Result<std::string> previous_gtids_text(const Described& in) {
  BINRELAY_ASSIGN(const MysqlGtidSet set, decode_previous_gtids(in.event, in.checksum));
  return set.to_text();
}

Result<std::string> gtid_list_text(const Described& in) {
  BINRELAY_ASSIGN(MariadbGtidList list, decode_mariadb_gtid_list(in.event, in.checksum));
  // The event has domains in any order, each one's last GTID last.
  std::stable_sort(list.gtids.begin(), list.gtids.end(),
                   [](const auto& left, const auto& right) { return left.domain < right.domain; });
  std::string text = "[";
  for (const MariadbGtid& gtid : list.gtids) {
    if (text.size() > in.max_length) break;
    if (text.size() > 1) text += ",";
    text += to_text(gtid);
  }
  return text + "]";
}

Result<std::string> xid_text(const Described& in) {
  BINRELAY_ASSIGN(const std::uint64_t xid, decode_xid(in.event, in.checksum));
  return "COMMIT /* xid=" + std::to_string(xid) + " */";
}

Result<std::string> xa_prepare_text(const Described& in) {
  BINRELAY_ASSIGN(const XaPrepareView xa, decode_xa_prepare(in.event, in.checksum));
  const std::string id = xa_id_text(xa.format_id, xa.gtrid, xa.bqual);
  return xa.one_phase ? "XA COMMIT " + id + " ONE PHASE" : "XA PREPARE " + id;
}

Result<std::string> table_map_text(const Described& in) {
  BINRELAY_ASSIGN(const TableMapView map, decode_table_map(in.event, in.checksum));
  return "table_id: " + std::to_string(map.table_id) + " (" + std::string(map.database) + "." + std::string(map.table) +
         ")";
}

Result<std::string> rows_text(const Described& in) {
  BINRELAY_ASSIGN(const RowsView rows, decode_rows_head(in.event, in.checksum));
  std::string names;
  if (rows.ends_statement()) names += " STMT_END_F";
  if (rows.flags & kSqlForeignKeys) names += " USE_SQL_FOREIGN_KEY_F";
  return "table_id: " + std::to_string(rows.table_id) + (names.empty() ? names : " flags:" + names);
}

Result<std::string> rotate_text(const Described& in) {
  BINRELAY_ASSIGN(const RotateView rotate, decode_rotate(in.event, in.checksum));
  return std::string(rotate.file_name) + ";pos=" + std::to_string(rotate.position);
}

Result<std::string> heartbeat_text(const Described& in) {
  BINRELAY_ASSIGN(const HeartbeatView heartbeat, decode_heartbeat(in.event, in.checksum));
  return std::string(heartbeat.file_name) + ";pos=" + std::to_string(heartbeat.position);
}

Result<std::string> payload_text(const Described& in) {
  BINRELAY_ASSIGN(const TransactionPayloadView payload, decode_transaction_payload(in.event, in.checksum));
  constexpr std::uint64_t kZstd = 0, kNone = 255;
  const std::string name = payload.compression == kZstd   ? "ZSTD"
                           : payload.compression == kNone ? "NONE"
                                                          : std::to_string(payload.compression);
  return "compression='" + name + "', decompressed_size=" + std::to_string(payload.uncompressed_size) + " bytes";
}

Result<std::string> intvar_text(const Described& in) {
  constexpr std::uint8_t kLastInsertId = 1, kInsertId = 2;
  ByteReader body(in.body);
  const std::uint8_t kind = body.u8();
  const std::uint64_t value = body.u64();
  if (body.failed()) return Error{Errc::short_input, "intvar event"};
  const char* name = kind == kLastInsertId ? "LAST_INSERT_ID" : kind == kInsertId ? "INSERT_ID" : "INVALID_INT";
  return std::string(name) + "=" + std::to_string(value);
}

Result<std::string> rand_text(const Described& in) {
  ByteReader body(in.body);
  const std::uint64_t first = body.u64();
  const std::uint64_t second = body.u64();
  if (body.failed()) return Error{Errc::short_input, "rand event"};
  return "rand_seed1=" + std::to_string(first) + ",rand_seed2=" + std::to_string(second);
}

Result<std::string> user_var_text(const Described& in) {
  ByteReader body(in.body);
  const std::string_view name = body.text(body.u32());
  const bool is_null = body.u8() != 0;
  if (body.failed()) return Error{Errc::short_input, "user variable event"};
  return "@`" + std::string(name) + (is_null ? "`=NULL" : "`=…");
}

Result<std::string> rows_query_text(const Described& in) {  // a length byte that cannot hold long texts, then the text
  ByteReader body(in.body);
  body.skip(1);
  if (body.failed()) return Error{Errc::short_input, "rows query event"};
  return "# " + std::string(as_text(body.rest()).substr(0, in.max_length));
}

Result<std::string> annotate_text(const Described& in) {
  return std::string(as_text(in.body).substr(0, in.max_length));
}

Result<std::string> checkpoint_text(const Described& in) {
  ByteReader body(in.body);
  const std::string_view name = body.text(body.u32());
  if (body.failed()) return Error{Errc::short_input, "binlog checkpoint event"};
  return std::string(name);
}

Result<std::string> incident_text(const Described& in) {
  ByteReader body(in.body);
  const std::uint16_t number = body.u16();
  const std::string_view message = body.text(body.u8());
  if (body.failed()) return Error{Errc::short_input, "incident event"};
  const std::string text = "#" + std::to_string(number) + (number == 1 ? " (LOST_EVENTS)" : "");
  return message.empty() ? text : text + ": " + std::string(message);
}

Result<std::string> load_block_text(const Described& in) {
  ByteReader body(in.body);
  const std::uint32_t file_id = body.u32();
  if (body.failed()) return Error{Errc::short_input, "load data block"};
  return ";file_id=" + std::to_string(file_id) + ";block_len=" + std::to_string(body.remaining());
}

struct Description {
  EventType type;
  Result<std::string> (*text)(const Described&);
};
constexpr Description kDescriptions[] = {
    {EventType::format_description, format_description_text},
    {EventType::query, query_text},
    {EventType::mariadb_query_compressed, query_text},
    {EventType::execute_load_query, execute_load_query_text},
    {EventType::gtid, mysql_gtid_text},
    {EventType::anonymous_gtid, mysql_gtid_text},
    {EventType::gtid_tagged, mysql_gtid_text},
    {EventType::mariadb_gtid, mariadb_gtid_text},
    {EventType::previous_gtids, previous_gtids_text},
    {EventType::mariadb_gtid_list, gtid_list_text},
    {EventType::xid, xid_text},
    {EventType::xa_prepare, xa_prepare_text},
    {EventType::table_map, table_map_text},
    {EventType::rotate, rotate_text},
    {EventType::heartbeat, heartbeat_text},
    {EventType::heartbeat_v2, heartbeat_text},
    {EventType::transaction_payload, payload_text},
    {EventType::intvar, intvar_text},
    {EventType::rand, rand_text},
    {EventType::user_var, user_var_text},
    {EventType::rows_query, rows_query_text},
    {EventType::mariadb_annotate_rows, annotate_text},
    {EventType::mariadb_binlog_checkpoint, checkpoint_text},
    {EventType::incident, incident_text},
    {EventType::begin_load_query, load_block_text},
    {EventType::append_block, load_block_text},
};

Result<std::string> event_text(const Described& in) {
  const auto* found = std::find_if(std::begin(kDescriptions), std::end(kDescriptions),
                                   [&](const Description& each) { return each.type == in.header.type; });
  if (found != std::end(kDescriptions)) return found->text(in);
  if (is_rows_event(in.header.type)) return rows_text(in);
  if (event_type_name(in.header.type) != "Unknown") return std::string();  // its name says all
  return "# event type " + hex_number(static_cast<std::uint64_t>(in.header.type));
}

Result<std::string> described(Bytes event, ChecksumAlgorithm checksum, std::size_t max_length) {
  BINRELAY_ASSIGN(const EventHeader header, decode_event_header(event));
  BINRELAY_ASSIGN(const Bytes body, event_body(event, checksum));
  return event_text(Described{header, event, checksum, body, max_length});
}

}  // namespace

std::string describe_event(Bytes event, ChecksumAlgorithm checksum, std::size_t max_length) {
  const Result<std::string> text = described(event, checksum, max_length);
  return one_line(text ? *text : "(undecodable: " + text.error().context + ")", max_length);
}

}  // namespace binrelay
