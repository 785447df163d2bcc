#pragma once
// Every limit has a name. Sizes in bytes unless the name says otherwise.
#include <cstddef>
#include <cstdint>

namespace binrelay {

// A packet's payload is split at this size (MySQL manual, "Protocol::Packet").
inline constexpr std::size_t kMaxPacketPayload = 0xffffff;
// max_allowed_packet of replicas goes up to 1 GiB; an event may pass it by its headers.
inline constexpr std::uint64_t kMaxEventSize = (1ull << 30) + (1ull << 24);
// Longest statement, handshake or other command a client may send before it is refused.
inline constexpr std::size_t kMaxCommandSize = 4u << 20;
// A COM_BINLOG_DUMP_GTID carries a whole GTID set.
inline constexpr std::size_t kMaxDumpCommandSize = 32u << 20;
inline constexpr std::size_t kMaxFileNameLength = 255;
inline constexpr std::size_t kMaxGtidIntervals = 8u << 20;
inline constexpr std::size_t kMaxGtidUuids = 1u << 16;
inline constexpr std::size_t kMaxTagLength = 32;  // MySQL manual, "Tagged GTIDs"
inline constexpr std::size_t kMaxMariadbDomains = 1u << 20;
inline constexpr std::size_t kMaxErrorText = 511;  // mysqld cuts its error texts there
inline constexpr std::size_t kMaxUserVariables = 256;
inline constexpr std::size_t kMaxUserVariableSize = 8u << 20;

}  // namespace binrelay
