#pragma once
// The texts a dump ends with, in the source flavour's own words: replicas and CDC tools match them. All are code 1236
// unless said otherwise. Measured on MySQL 9.7 and MariaDB 10.11/11.8.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/gtid/gtid_state.h"
#include "protocol/ids.h"
#include "protocol/packet/replies.h"
#include "protocol/result.h"
#include "storage/source_identity.h"

namespace binrelay {

inline constexpr std::uint16_t kErrSourceFatal = 1236;  // ER_SOURCE_FATAL_ERROR_READING_BINLOG

// Where a dump began and how far it has read: the tail of most texts.
struct DumpPlace {
  std::string first_file;  // as the client named it; "" in a GTID dump without a name
  std::uint64_t first_position = 4;
  std::string last_file;
  std::uint64_t last_event = 4;  // where the last event read began (MariaDB) or ended (MySQL)
  std::uint64_t last_byte = 4;   // behind the last byte read
};

SqlError file_not_found();
// 1317: unlike 1236 it makes a replica connect again, and before it has seen an event that it would misread.
SqlError session_was_lost();
SqlError position_too_small(Flavour flavour, const DumpPlace& place);
SqlError position_past_end(Flavour flavour, const DumpPlace& place);
SqlError position_inside_event(Flavour flavour, const DumpPlace& place);
SqlError checksum_not_announced(Flavour flavour, const DumpPlace& place);
SqlError anonymous_group(const DumpPlace& place, std::uint64_t position);  // MySQL, in a GTID dump
SqlError next_file_gone(Flavour flavour, const DumpPlace& place);
SqlError log_unreadable(Flavour flavour, const DumpPlace& place);                         // rot, I/O errors
SqlError replaced_by_same_replica(const SourceIdentity& source, const DumpPlace& place);  // MariaDB: 4052
SqlError no_binary_log();

// Starts by GTID.
SqlError gtid_mode_not_on(std::string_view mode);
SqlError malformed_gtid_set();  // 1773
SqlError replica_is_ahead();
SqlError transactions_purged(const MysqlGtidSet& replica_has, const MysqlGtidSet& missing);
SqlError unusable_gtid_list(const Error& why);  // MariaDB: 1941, 1943
SqlError gtid_not_in_log(const MariadbGtid& wanted, const std::optional<MariadbGtid>& last_in_domain);
SqlError gtid_is_hole(const MariadbGtid& wanted);
SqlError gtid_state_purged();

// The relay's own: an account's view cannot be shown.
SqlError view_unavailable(const std::string& why);
// The relay's own: its source lost transactions, and the operator went on without them.
SqlError history_ended(const std::string& last_file, const std::string& next_file);
SqlError holds_abandoned(const GtidState& abandoned);

}  // namespace binrelay
