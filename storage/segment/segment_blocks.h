#pragma once
// SegmentBlocks: the digests of a segment's blocks, and what is known of each since the log was opened. Those of the
// file being written grow with its marks; what is known of a block stays known while the page cache holds it.
//
// Thread: any; one mutex, never held over the disk. Owner: the Segments that show the same file in successive catalogs.
//
// Invariant: nothing of a block is served before it was found sound; a damaged one becomes sound by restore only.
#include <cstdint>
#include <mutex>
#include <optional>
#include <set>
#include <vector>

#include "protocol/result.h"
#include "storage/file/disk.h"
#include "storage/segment/event_reader.h"

namespace binrelay {

class SegmentBlocks {
 public:
  enum class State : std::uint8_t { unchecked, sound, damaged };

  // digests[i] is of block i; `size` ends the last one, which may be short.
  SegmentBlocks(std::uint64_t block_bytes, std::uint64_t size, std::vector<std::uint32_t> digests);
  // The same file has got further: `digests` begin with those that are known, none of them of a short block.
  void grow(std::uint64_t size, const std::vector<std::uint32_t>& digests);

  std::uint64_t count() const;
  std::uint64_t begin_of(std::uint64_t block) const { return block * block_bytes_; }
  std::uint64_t end_of(std::uint64_t block) const;
  State state(std::uint64_t block) const;
  std::optional<std::uint64_t> first_damaged(std::uint64_t from = 0) const;
  bool matches(std::uint64_t block, Bytes content) const;

  // Makes sure that the blocks which [from, to) touches are sound; those without a digest pass. False: cached_only, and
  // a block is not in the page cache. Errc::checksum: one is damaged, its place is named; Errc::not_found: and no
  // source has it.
  Result<bool> check(const File& file, std::uint64_t from, std::uint64_t to, ReadMode mode);
  // Not all of [from, to) was in the page cache: what comes from the disk is checked again.
  void doubt(std::uint64_t from, std::uint64_t to);
  // What is known of those blocks, without a look at them: the error that check() would give.
  std::optional<Error> known_damage(std::uint64_t from, std::uint64_t to) const;
  // Reads the block again whatever is known of it. What the disk cannot read is damaged, too.
  Result<State> check_again(const File& file, std::uint64_t block);
  // The block's bytes as they were stored. Errc::checksum: they are not.
  Status restore(const File& file, std::uint64_t block, Bytes content);
  // Of a damaged block: whether every source has been asked and none has it, so that nobody need wait for it.
  void set_lost(std::uint64_t block, bool lost);

 private:
  std::optional<Error> damage_of(std::uint64_t block) const;
  Result<std::optional<State>> look(const File& file, std::uint64_t block, ReadMode mode);

  const std::uint64_t block_bytes_;
  mutable std::mutex mutex_;  // guards what follows
  std::uint64_t size_;
  std::vector<std::uint32_t> digests_;
  std::vector<State> states_;
  std::uint64_t damaged_ = 0;     // how many are
  std::set<std::uint64_t> lost_;  // of the damaged ones
};

}  // namespace binrelay
