#pragma once
// The 19 bytes in front of every event (MySQL manual, "Binary Log Event Header").
#include <cstdint>
#include <cstring>

#include "protocol/bytes.h"
#include "protocol/event/event_type.h"
#include "protocol/ids.h"
#include "protocol/limits.h"
#include "protocol/result.h"

namespace binrelay {

inline constexpr std::size_t kEventHeaderSize = 19;
inline constexpr std::size_t kChecksumSize = 4;
inline constexpr std::uint16_t kFlagBinlogInUse = 0x0001;
inline constexpr std::uint16_t kFlagArtificial = 0x0020;
inline constexpr std::uint16_t kFlagIgnorable = 0x0080;
inline constexpr std::size_t kTypeOffset = 4;       // in the header
inline constexpr std::size_t kEventSizeOffset = 9;  // in the header
inline constexpr std::size_t kLogPosOffset = 13;    // in the header
inline constexpr std::size_t kFlagsOffset = 17;     // in the header; in a file's FDE this is file offset 21

struct EventHeader {
  std::uint32_t timestamp = 0;  // seconds since 1970, start of the statement: not monotonic
  EventType type{};
  ServerId server_id{};
  std::uint32_t size = 0;     // whole event: header, body and checksum
  std::uint32_t log_pos = 0;  // end of the event modulo 2^32; 0 inside MariaDB >= 11.4 transactions
  std::uint16_t flags = 0;
};

// Why decode_event_header() has refused these bytes.
Error event_header_error(Bytes bytes);

// Needs kEventHeaderSize bytes; rejects a size below the header's own and above kMaxEventSize. Here, because every
// event of a log comes by several times.
inline Result<EventHeader> decode_event_header(Bytes bytes) {
  if (bytes.size() < kEventHeaderSize) return event_header_error(bytes);
  const auto read = [&bytes]<class T>(std::size_t offset, T* field) {
    std::memcpy(field, bytes.data() + offset, sizeof *field);
  };
  EventHeader header;
  read(0, &header.timestamp);
  read(4, &header.type);
  read(5, &header.server_id);
  read(kEventSizeOffset, &header.size);
  read(kLogPosOffset, &header.log_pos);
  read(kFlagsOffset, &header.flags);
  if (header.size < kEventHeaderSize || header.size > kMaxEventSize) return event_header_error(bytes);
  return header;
}

}  // namespace binrelay
