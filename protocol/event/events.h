#pragma once
// The bodies this program reads. Every decoder takes the whole event (header, body, checksum if any) and the checksum
// algorithm of its file, reads only inside the event, and rejects what does not add up. Views point into the input.
// Sources: MySQL manual "Binary Log Event Types"; MariaDB knowledge base "Replication Protocol".
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/event/event_header.h"
#include "protocol/gtid/gtid_state.h"
#include "protocol/ids.h"
#include "protocol/result.h"

namespace binrelay {

// Why event_body() has refused it.
Error event_body_error(Bytes event);
// The bytes between the header and the checksum. Rejects an event whose header size is not `event.size()`.
inline Result<Bytes> event_body(Bytes event, ChecksumAlgorithm checksum) {
  const std::size_t trailer = checksum == ChecksumAlgorithm::crc32 ? kChecksumSize : 0;
  const auto header = decode_event_header(event);
  if (!header || header->size != event.size() || event.size() < kEventHeaderSize + trailer)
    return event_body_error(event);
  return event.subspan(kEventHeaderSize, event.size() - kEventHeaderSize - trailer);
}

struct FormatDescription {
  std::uint16_t binlog_version = 4;
  std::string server_version;  // as in the event, NULs cut
  std::uint32_t created = 0;   // non-zero in the first file after a server start or RESET
  // Of the events that follow; the FDE itself always ends in 5 bytes: algorithm and CRC.
  ChecksumAlgorithm checksum = ChecksumAlgorithm::none;
  Flavour flavour = Flavour::mysql;  // by "MariaDB" in the version, any case
};
Result<FormatDescription> decode_format_description(Bytes event);  // checks sizes, not the CRC

struct RotateView {
  std::uint64_t position = 0;
  std::string_view file_name;
};
Result<RotateView> decode_rotate(Bytes event, ChecksumAlgorithm checksum);

// GTID (33), ANONYMOUS (34) and tagged GTID (42) of MySQL.
struct MysqlGtidEvent {
  bool anonymous = false;
  MysqlGtid gtid;  // number 0 when anonymous
  std::uint8_t flags = 0;
  std::int64_t last_committed = 0;
  std::int64_t sequence_number = 0;
  std::uint64_t immediate_commit_us = 0;  // 0 before MySQL 8.0.1
  std::uint64_t original_commit_us = 0;
  std::uint64_t transaction_length = 0;  // whole group in bytes, this event included; 0 before MySQL 8.0.2
};
Result<MysqlGtidEvent> decode_mysql_gtid(Bytes event, ChecksumAlgorithm checksum);

struct MariadbGtidEvent {
  static constexpr std::uint8_t kStandalone = 0x01, kGroupCommitId = 0x02, kTransactional = 0x04, kAllowParallel = 0x08,
                                kWaited = 0x10, kDdl = 0x20, kPreparedXa = 0x40, kCompletedXa = 0x80;
  static constexpr std::uint8_t kExtraEngines = 0x01, kStartAlter = 0x02, kCommitAlter = 0x04, kRollbackAlter = 0x08;
  MariadbGtid gtid;  // server from the event header
  std::uint8_t flags = 0;
  std::uint64_t commit_id = 0;             // with kGroupCommitId: groups that committed together share it
  std::string xa_id;                       // with kPreparedXa and kCompletedXa: as XA statements write it
  std::uint8_t extra_flags = 0;            // kExtraEngines, kStartAlter … (MariaDB >= 10.5)
  std::uint64_t start_alter_sequence = 0;  // with kCommitAlter and kRollbackAlter: of the group that began it
};
Result<MariadbGtidEvent> decode_mariadb_gtid(Bytes event, ChecksumAlgorithm checksum);

Result<MysqlGtidSet> decode_previous_gtids(Bytes event, ChecksumAlgorithm checksum);

struct MariadbGtidList {
  std::uint8_t flags = 0;  // the top 4 bits of the count
  std::vector<MariadbGtid> gtids;
};
Result<MariadbGtidList> decode_mariadb_gtid_list(Bytes event, ChecksumAlgorithm checksum);

// QUERY (2), EXECUTE_LOAD_QUERY (18) and MariaDB's compressed QUERY (165; `text` is then empty and `compressed` set:
// see protocol/event/mariadb_compression.h).
struct QueryView {
  std::uint32_t thread_id = 0;
  std::uint32_t execution_seconds = 0;
  std::uint16_t error_code = 0;
  Bytes status_variables;
  std::string_view database;
  std::string_view text;
  bool compressed = false;
  Bytes compressed_text;
};
Result<QueryView> decode_query(Bytes event, ChecksumAlgorithm checksum);

Result<std::uint64_t> decode_xid(Bytes event, ChecksumAlgorithm checksum);

struct XaPrepareView {
  bool one_phase = false;
  std::int32_t format_id = 0;
  std::string_view gtrid, bqual;
};
Result<XaPrepareView> decode_xa_prepare(Bytes event, ChecksumAlgorithm checksum);
std::string xa_id_text(std::int32_t format_id, std::string_view gtrid, std::string_view bqual);  // X'67',X'',1

struct TableMapView {
  std::uint64_t table_id = 0;  // 48 bits
  std::string_view database, table;
  std::uint64_t column_count = 0;
};
Result<TableMapView> decode_table_map(Bytes event, ChecksumAlgorithm checksum);

struct RowsView {
  static constexpr std::uint16_t kStatementEnd = 1;        // STMT_END_F
  static constexpr std::uint64_t kDummyTable = 0xff'ffff;  // no table: nothing but the end of a statement
  std::uint64_t table_id = 0;
  std::uint16_t flags = 0;

  bool ends_statement() const { return (flags & kStatementEnd) != 0; }
  bool of_no_table() const { return table_id == kDummyTable; }
};
Result<RowsView> decode_rows_head(Bytes event, ChecksumAlgorithm checksum);  // every rows type of both families

struct TransactionPayloadView {
  std::uint64_t compression = 255;  // 0 zstd, 255 none
  std::uint64_t uncompressed_size = 0;
  Bytes payload;
};
Result<TransactionPayloadView> decode_transaction_payload(Bytes event, ChecksumAlgorithm checksum);

struct HeartbeatView {
  std::string_view file_name;
  std::uint64_t position = 0;  // v1: the header's 32 bits
};
Result<HeartbeatView> decode_heartbeat(Bytes event, ChecksumAlgorithm checksum);  // 27 and 41

// "Server ver: 9.7.4, Binlog ver: 4", "use `db`; INSERT …" …: the one-line body that SHOW BINLOG EVENTS and `binrelay
// events` print, as the source itself prints it (but for the xid of MySQL's DDL and the values of user variables).
// Never fails: an undecodable body says so. Control characters are escaped; cut at `max_length` bytes.
std::string describe_event(Bytes event, ChecksumAlgorithm checksum, std::size_t max_length = 1024);

}  // namespace binrelay
