#pragma once
// Events this program makes: what a source sends beside the bytes of its files (facts measured on MySQL 9.7 and
// MariaDB 10.11/11.8).
#include <cstdint>
#include <string_view>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/gtid/mariadb_gtid.h"
#include "protocol/ids.h"

namespace binrelay {

// Announces the file that follows: timestamp 0, log_pos 0, flag ARTIFICIAL.
ByteBuffer build_fake_rotate(ServerId server_id, std::string_view file_name, std::uint64_t position,
                             ChecksumAlgorithm checksum);

// A stored ROTATE that names another file: everything else, where it ends included, is as it was.
ByteBuffer build_renamed_rotate(Bytes stored_event, std::string_view file_name, ChecksumAlgorithm checksum);

// A stored FDE as it is sent before mid-file data: log_pos 0 (when `clear_log_pos`), created 0, flags 0, CRC
// recomputed.
ByteBuffer build_mid_file_format_description(Bytes stored_event, bool clear_log_pos);

// v1 (27): file name; position in the header's log_pos, wrapped at 32 bits.
ByteBuffer build_heartbeat_v1(ServerId server_id, std::string_view file_name, std::uint64_t position,
                              ChecksumAlgorithm checksum);
// v2 (41): TLVs with a 64-bit position.
ByteBuffer build_heartbeat_v2(ServerId server_id, std::string_view file_name, std::uint64_t position,
                              ChecksumAlgorithm checksum);

// MariaDB: tells the replica where skipped groups have moved it. Flag ARTIFICIAL, timestamp 0, log_pos = end of the
// skipped run.
ByteBuffer build_fake_gtid_list(ServerId server_id, const std::vector<MariadbGtid>& gtids, std::uint8_t list_flags,
                                std::uint32_t log_pos, ChecksumAlgorithm checksum);

}  // namespace binrelay
