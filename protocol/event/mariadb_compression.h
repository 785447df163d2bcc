#pragma once
// What log_bin_compress does to the text of a QUERY and to the rows of a rows event (MariaDB server, sql/log_event.cc,
// binlog_buf_compress): a byte 0x80 | algorithm << 4 | count of length bytes, the length big-endian, a zlib stream.
#include <cstddef>
#include <string>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace binrelay {

// The first `at_most` bytes of what was compressed: memory stays bounded whatever the input claims.
Result<std::string> inflate_mariadb(Bytes compressed, std::size_t at_most);
// A value of a COMPRESSED column, with or without zlib's own head, or as it is where it would not have become shorter
// (MariaDB server, sql/field.cc, Field_longstr::uncompress).
Result<std::string> inflate_mariadb_column(Bytes stored, std::size_t at_most);

}  // namespace binrelay
