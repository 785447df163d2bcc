#pragma once
// What stands behind a bad event, which tells a write that was cut off by a crash from rot, and what follows from that.
//
// Thread: one; blocks on the disk. Everything in the file is untrusted.
#include <cstdint>
#include <filesystem>
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

// --- the decision, by itself ---

struct TailFacts {
  bool whole = true;           // the file ends where an event ends
  bool below_durable = false;  // the bad event starts below what was known to be on stable storage
  bool events_follow = false;  // whole events stand behind the bad one
  bool zero_page = false;      // between the two lies a page of zeros
};
enum class TailAction : std::uint8_t { keep, refuse, cut };
TailAction decide_tail(const TailFacts& facts);
// For a file of `size` bytes whose event at `from` is bad.
Result<TailAction> judge_tail(const File& file, std::uint64_t from, std::uint64_t size, std::uint64_t durable,
                              ChecksumAlgorithm checksum);

// The file's bytes [from, to), as far as it has them, in a new file of their own.
Status copy_stretch(const Disk& disk, const File& file, std::uint64_t from, std::uint64_t to,
                    const std::filesystem::path& aside);

}  // namespace binrelay
