#pragma once
// What stands behind a bad event, which tells a write that was cut off by a crash from rot.
//
// Thread: one; blocks on the disk. Everything in the file is untrusted.
#include <cstdint>
#include <optional>

#include "protocol/ids.h"
#include "protocol/result.h"
#include "storage/file/disk.h"

namespace binrelay {

// The first whole event in [from, to), at any offset: known type, its end where its header says, its checksum right if
// the file has any.
Result<std::optional<std::uint64_t>> find_event_behind(const File& file, std::uint64_t from, std::uint64_t to,
                                                       ChecksumAlgorithm checksum);
// Whether [from, to) contains a whole page of zeros: pages that had not reached the disk before a power cut read so.
Result<bool> has_zero_page(const File& file, std::uint64_t from, std::uint64_t to);

}  // namespace binrelay
