#pragma once
// What a source says about itself on one connection.
#include <array>
#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/gtid/gtid_state.h"
#include "protocol/result.h"
#include "relay/upstream/event_source.h"
#include "storage/source_identity.h"

namespace binrelay {

// One row of SHOW BINARY LOGS.
struct BinlogFile {
  std::string name;
  std::uint64_t size = 0;  // as a dump counts: MySQL's encrypted files are 512 bytes longer on disk
};

struct BinlogEnd {
  std::string file;
  std::uint64_t position = 0;
};

struct SourceFacts {
  SourceIdentity identity;
  std::vector<BinlogFile> files;  // oldest first
  BinlogEnd end;
  GtidState executed;  // empty where the source has no GTIDs
};

// The source's variables the relay answers for; every binlog_* is kept beside them.
inline constexpr std::array<std::string_view, 40> kKeptVariables{"character_set_client",
                                                                 "character_set_connection",
                                                                 "character_set_database",
                                                                 "character_set_results",
                                                                 "character_set_server",
                                                                 "collation_connection",
                                                                 "collation_database",
                                                                 "collation_server",
                                                                 "default_storage_engine",
                                                                 "enforce_gtid_consistency",
                                                                 "gtid_domain_id",
                                                                 "gtid_mode",
                                                                 "gtid_strict_mode",
                                                                 "hostname",
                                                                 "innodb_version",
                                                                 "license",
                                                                 "log_bin",
                                                                 "log_bin_basename",
                                                                 "log_bin_compress",
                                                                 "log_bin_index",
                                                                 "log_replica_updates",
                                                                 "log_slave_updates",
                                                                 "lower_case_file_system",
                                                                 "lower_case_table_names",
                                                                 "max_allowed_packet",
                                                                 "max_binlog_size",
                                                                 "performance_schema",
                                                                 "protocol_version",
                                                                 "read_only",
                                                                 "server_id",
                                                                 "server_uuid",
                                                                 "sql_mode",
                                                                 "super_read_only",
                                                                 "system_time_zone",
                                                                 "time_zone",
                                                                 "transaction_isolation",
                                                                 "tx_isolation",
                                                                 "version_comment",
                                                                 "version_compile_machine",
                                                                 "version_compile_os"};

Flavour flavour_of(std::string_view version);

Result<SourceIdentity> read_identity(EventSource& source);
// Reads all of it. Errc::refused for what the operator has to change on the source, with the remedy.
Result<SourceFacts> read_source_facts(EventSource& source);
Result<std::vector<BinlogFile>> read_binlog_files(EventSource& source, Flavour flavour);
// @@gtid_executed, or MariaDB's @@gtid_binlog_state. SHOW VARIABLES would cut a long one.
Result<GtidState> read_executed(EventSource& source, const SourceIdentity& identity);
Result<BinlogEnd> read_binlog_end(EventSource& source, Flavour flavour);

// Session variables the dump depends on; the checksum every event is announced with is CRC32.
Status prepare_dump_session(EventSource& source, Flavour flavour, const Uuid& relay_uuid, std::uint32_t heartbeat_ms);

}  // namespace binrelay
