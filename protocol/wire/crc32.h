#pragma once
// CRC-32 (IEEE, the one of zlib), as binlog events carry it. ISA-L computes it.
#include <cstdint>

#include "protocol/bytes.h"

namespace binrelay {

// `seed` is the CRC of the bytes before, 0 to begin.
std::uint32_t crc32(Bytes bytes, std::uint32_t seed = 0);

}  // namespace binrelay
