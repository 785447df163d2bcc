#include "relay/dump/dump_errors.h"

#include "protocol/event/event_header.h"
#include "protocol/limits.h"

namespace binrelay {
namespace {

constexpr std::uint16_t kErrMalformedGtidSet = 1773;     // ER_MALFORMED_GTID_SET_ENCODING
constexpr std::uint16_t kErrIncorrectGtidState = 1941;   // MariaDB's ER_INCORRECT_GTID_STATE
constexpr std::uint16_t kErrDuplicateGtidDomain = 1943;  // MariaDB's ER_DUPLICATE_GTID_DOMAIN
constexpr std::uint16_t kErrSlaveSameId = 4052;          // MariaDB's ER_SLAVE_SAME_ID

std::string place_text(Flavour flavour, const DumpPlace& place) {
  const std::string last = (flavour == Flavour::mysql ? "./" : "") + place.last_file;
  return "; the first event '" + place.first_file + "' at " + std::to_string(place.first_position) +
         ", the last event read from '" + last + "' at " + std::to_string(place.last_event) +
         ", the last byte read from '" + last + "' at " + std::to_string(place.last_byte) + ".";
}

bool is_mysql(Flavour flavour) { return flavour == Flavour::mysql; }

// 1236 with this text as it is.
SqlError dump_error(std::string text) { return {kErrSourceFatal, "HY000", std::move(text)}; }

// … and the tail.
SqlError dump_error_at(Flavour flavour, std::string_view text, const DumpPlace& place) {
  return dump_error(std::string(text) + place_text(flavour, place));
}

// MariaDB names the requested file three times and has read nothing yet.
SqlError impossible_position(const DumpPlace& place) {
  DumpPlace start = place;
  start.last_file = place.first_file;
  start.last_event = start.last_byte = kFirstEventOffset;
  return dump_error_at(Flavour::mariadb, "Client requested master to start replication from impossible position",
                       start);
}

}  // namespace

SqlError file_not_found() { return dump_error("Could not find first log file name in binary log index file"); }

SqlError session_was_lost() {
  return {
      1317, "70100",
      "Query execution was interrupted: this connection asks for events without the SET @master_binlog_checksum that "
      "replicas say before; it was probably lost and opened anew by the client library; connect again"};
}

SqlError position_too_small(Flavour flavour, const DumpPlace& place) {
  return is_mysql(flavour) ? dump_error("Client requested source to start replication from position < 4")
                           : impossible_position(place);
}

SqlError position_past_end(Flavour flavour, const DumpPlace& place) {
  return is_mysql(flavour) ? dump_error("Client requested source to start replication from position > file size")
                           : impossible_position(place);
}

SqlError position_inside_event(Flavour flavour, const DumpPlace& place) {
  // They have read what they took for an event's head; MariaDB counts that as one.
  DumpPlace there = place;
  if (!is_mysql(flavour)) there.last_event = place.last_byte;
  there.last_byte += kEventHeaderSize;
  return dump_error_at(flavour, "bogus data in log event", there);
}

SqlError checksum_not_announced(Flavour flavour, const DumpPlace& place) {
  return dump_error_at(
      flavour,
      is_mysql(flavour) ? "Replica can not handle replication events with the checksum that source is configured to log"
                        : "Slave can not handle replication events with the checksum that master is configured to log",
      place);
}

SqlError anonymous_group(const DumpPlace& place, std::uint64_t position) {
  return dump_error_at(Flavour::mysql,
                       "Cannot replicate anonymous transaction when AUTO_POSITION = 1, at file ./" + place.last_file +
                           ", position " + std::to_string(position) + ".",
                       place);
}

SqlError next_file_gone(Flavour flavour, const DumpPlace& place) {
  return dump_error_at(flavour, "could not find next log", place);
}

SqlError log_unreadable(Flavour flavour, const DumpPlace& place) {
  return dump_error_at(flavour, "I/O error reading log event", place);
}

SqlError replaced_by_same_replica(const SourceIdentity& source, const DumpPlace& place) {
  if (is_mysql(source.flavour)) {
    return dump_error_at(Flavour::mysql,
                         "A replica with the same server_uuid/server_id as this replica has connected to the source",
                         place);
  }
  // As measured on 10.11 and 11.8.
  const char* same = source.version.starts_with("10.") ? "server_uuid/server_id" : "server_id";
  SqlError error =
      dump_error_at(Flavour::mariadb, "A slave with the same " + std::string(same) + " is already connected", place);
  error.code = kErrSlaveSameId;
  return error;
}

SqlError no_binary_log() { return dump_error("Binary log is not open"); }

SqlError gtid_mode_not_on(std::string_view mode) {
  return dump_error("The replication sender thread cannot start in AUTO_POSITION mode: this server has GTID_MODE = " +
                    std::string(mode) + " instead of ON.");
}

SqlError malformed_gtid_set() { return {kErrMalformedGtidSet, "HY000", "Malformed GTID set encoding."}; }

SqlError replica_is_ahead() {
  return dump_error(
      "Replica has more GTIDs than the source has, using the source's SERVER_UUID. This may indicate that the the last "
      "binary log file was "
      "truncated or lost, e.g., after a power failure when sync_binlog != 1. The source may have rolled back "
      "transactions that were already "
      "replicated to the replica. Replicate any transactions that source has rolled back from replica to source, "
      "and/or commit empty "
      "transactions on source to account for transactions that have been committed on source but are not included in "
      "GTID_EXECUTED.");
}

SqlError transactions_purged(const MysqlGtidSet& replica_has, const MysqlGtidSet& missing) {
  constexpr std::string_view kHead =
      "Cannot replicate because the source purged required binary logs. Replicate the missing transactions from "
      "elsewhere, or provision a "
      "new replica from backup. Consider increasing the source's binary log expiration period. ";
  std::string sets = "The GTID set sent by the replica is '" + replica_has.to_text_with_newlines() +
                     "', and the missing transactions are '" + missing.to_text_with_newlines() + "'";
  if (kHead.size() + sets.size() > kMaxErrorText) {
    sets =
        "The GTID sets and the missing purged transactions are too long to print in this message. For more "
        "information, please see the "
        "source's error log or the manual for GTID_SUBTRACT";
  }
  return dump_error(std::string(kHead) + sets);
}

SqlError unusable_gtid_list(const Error& why) {
  if (why.code == Errc::conflict) return {kErrDuplicateGtidDomain, "HY000", why.context};
  return {kErrIncorrectGtidState, "HY000", "Could not parse GTID list"};
}

SqlError gtid_not_in_log(const MariadbGtid& wanted, const std::optional<MariadbGtid>& last_in_domain) {
  std::string text = "Error: connecting slave requested to start from GTID " + to_text(wanted) +
                     ", which is not in the master's binlog";
  if (last_in_domain && last_in_domain->sequence >= wanted.sequence) {
    text +=
        ". Since the master's binlog contains GTIDs with higher sequence numbers, it probably means that the slave has "
        "diverged due to "
        "executing extra erroneous transactions";
  }
  return dump_error(std::move(text));
}

SqlError gtid_is_hole(const MariadbGtid& wanted) {
  return dump_error("The binlog on the master is missing the GTID " + to_text(wanted) +
                    " requested by the slave (even though both a prior and a subsequent sequence number does exist), "
                    "and GTID strict mode "
                    "is enabled");
}

SqlError gtid_state_purged() {
  return dump_error(
      "Could not find GTID state requested by slave in any binlog files. Probably the slave state is too old and "
      "required binlog files have "
      "been purged.");
}

SqlError view_unavailable(const std::string& why) { return dump_error("binrelay: " + why); }

SqlError history_ended(const std::string& last_file, const std::string& next_file) {
  return dump_error("binrelay: a history of the source ends with " + last_file +
                    "; what follows does not continue it, because the source was reset or lost transactions. Build the "
                    "replica anew from the source, and start it at " +
                    next_file + " or by GTID");
}

SqlError holds_abandoned(const GtidState& abandoned) {
  constexpr std::size_t kLongest = 250;
  std::string text = to_text(abandoned);
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "...";
  return dump_error(
      "binrelay: the consumer has transactions that the relay's source lost, and that were given up with "
      "`binrelay switch-source`: " +
      text + ". Build the replica anew from the source");
}

}  // namespace binrelay
