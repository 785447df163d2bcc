#pragma once
// What a MariaDB source sends in place of the events a client with a low @mariadb_slave_capability cannot read.
#include <optional>
#include <variant>

#include "protocol/bytes.h"
#include "protocol/ids.h"

namespace binrelay {

inline constexpr int kCapabilityUnknown = 0;      // nothing announced
inline constexpr int kCapabilityTolerateHoles = 2;
inline constexpr int kCapabilityGtid = 4;

struct SendAsIs {};
struct LeaveOut {};
// `event`: whole, of a MariaDB file with that algorithm. A buffer: send this instead; it is as long as `event`.
using Downgrade = std::variant<SendAsIs, LeaveOut, ByteBuffer>;
Downgrade downgrade_for_capability(Bytes event, int capability, ChecksumAlgorithm checksum);

}  // namespace binrelay
