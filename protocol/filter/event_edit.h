#pragma once
// Stored events as a filter changes them. Each takes a whole event that was decoded before, and returns one with a
// right checksum when `checksum` says so.
#include <cstdint>
#include <string_view>

#include "protocol/bytes.h"
#include "protocol/event/event_header.h"
#include "protocol/ids.h"
#include "protocol/result.h"

namespace binrelay {

// A GTID event (33, 34, 42) whose transaction_length counts itself and the `behind` bytes that follow. It keeps its
// size unless the length needs more bytes than the old one had. An event without the field (MySQL 5.7) comes back as it
// is.
Result<ByteBuffer> with_group_size(Bytes gtid_event, std::uint64_t behind, ChecksumAlgorithm checksum);

// MariaDB: what follows is neither DDL nor stands alone.
ByteBuffer as_plain_mariadb_gtid(Bytes gtid_event, ChecksumAlgorithm checksum);
// The group goes on behind it, but it is no DDL any more.
ByteBuffer without_mariadb_ddl_flag(Bytes gtid_event, ChecksumAlgorithm checksum);

// Offset of the two flag bytes in a rows event, and the bit that ends a statement.
inline constexpr std::size_t kRowsFlagsOffset = kEventHeaderSize + 6;
inline constexpr std::byte kStatementEndFlag{1};
ByteBuffer with_statement_end(Bytes rows_event, ChecksumAlgorithm checksum);

// A short QUERY (BEGIN, COMMIT) in the place of `event`: its time, server and end; of a QUERY also its thread.
ByteBuffer query_in_place_of(Bytes event, std::string_view text, ChecksumAlgorithm checksum);
std::size_t query_size(std::string_view text, ChecksumAlgorithm checksum);
// A QUERY of the same size that says and does nothing.
ByteBuffer blank_query(Bytes query_event, ChecksumAlgorithm checksum);
bool can_be_blank(const EventHeader& query, ChecksumAlgorithm checksum);

// An XA_PREPARE that commits at once: of a group without rows it leaves nothing behind.
ByteBuffer as_one_phase(Bytes xa_prepare_event, ChecksumAlgorithm checksum);

// An event from inside a payload, as it stands in a file, with `log_pos` and a checksum.
ByteBuffer unpacked_event(Bytes inner_event, std::uint32_t log_pos, ChecksumAlgorithm checksum);

// IGNORABLE (28) of `size` bytes that ends at `log_pos`: fills the place of events that do not go out. `size` is at
// least smallest_filler().
ByteBuffer filler(const EventHeader& like, std::uint64_t size, std::uint32_t log_pos, ChecksumAlgorithm checksum);
std::size_t smallest_filler(ChecksumAlgorithm checksum);

}  // namespace binrelay
