#include "protocol/wire/crc32.h"

#include <isa-l/crc.h>

namespace binrelay {

std::uint32_t crc32(Bytes bytes, std::uint32_t seed) {
  return crc32_gzip_refl(seed, reinterpret_cast<const unsigned char*>(bytes.data()), bytes.size());
}

}  // namespace binrelay
