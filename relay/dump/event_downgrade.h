#pragma once
// What a MariaDB source sends in place of the events a client with a low @mariadb_slave_capability cannot read.
// Sources: MariaDB 10.11 and 11.8, run; MariaDB server sql/sql_repl.cc, send_event_to_slave.
#include <variant>

#include "protocol/bytes.h"
#include "protocol/ids.h"

namespace binrelay {

// Values of @mariadb_slave_capability; what was not announced is 0.
inline constexpr int kCapabilityAnnotate = 1;
inline constexpr int kCapabilityTolerateHoles = 2;
inline constexpr int kCapabilityBinlogCheckpoint = 3;
inline constexpr int kCapabilityGtid = 4;

struct SendAsIs {};
struct LeaveOut {};
// A buffer: send this instead; it is as long as the event, with a CRC when the file has CRCs.
using Downgrade = std::variant<SendAsIs, LeaveOut, ByteBuffer>;
// `event`: whole, of a MariaDB file with that algorithm. `annotate_wanted`: dump flag 2.
Downgrade downgrade_for_capability(Bytes event, int capability, ChecksumAlgorithm checksum,
                                   bool annotate_wanted = true);

}  // namespace binrelay
