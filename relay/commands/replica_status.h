#pragma once
// SHOW REPLICA STATUS as a relay answers it: every column of a real server's, with at most one row. In that row the
// relay is the replica: what it has received is what it has "read", what it serves is what it has "applied". Sources:
// MySQL 9.7, MariaDB 10.11 and 11.8, run.
#include <cstdint>
#include <optional>
#include <string>

#include "protocol/packet/replies.h"
#include "relay/config/relay_config.h"
#include "storage/source_identity.h"

namespace binrelay {

// How a stream stands with its source.
struct ReplicaStatus {
  enum class Receiving : std::uint8_t { no, connecting, yes };
  SourceIdentity source;  // the real one
  Endpoint address;
  std::string user;
  bool tls_allowed = false, tls_verified = false;
  std::string tls_ca;
  Receiving receiving = Receiving::no;
  std::string receive_error;           // "": none
  std::string store_error;             // "": the log takes what is received
  std::string read_file, stored_file;  // the source's names; "": nothing yet
  std::uint64_t read_position = 0, stored_position = 0;
  std::string served_file;  // as consumers know the file that is being written
  std::uint64_t log_bytes = 0;
  std::optional<std::uint64_t> seconds_behind;  // nullopt: not known now
  std::string executed;                         // GTIDs
};

// `status`: nullptr: no row, as of a server that is nobody's replica. `all_channels`: SHOW ALL SLAVES STATUS.
ResultSet show_replica_status(const SourceIdentity& shown, bool all_channels, const ReplicaStatus* status);

}  // namespace binrelay
