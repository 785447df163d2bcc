#pragma once
// BlockDigests: the CRC32 of each block of a file, computed as its bytes go by in order.
//
// Thread: none.
#include <algorithm>
#include <cstdint>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/wire/crc32.h"

namespace binrelay {

class BlockDigests {
 public:
  // `begin` is the offset of the first byte to come; it must be the start of a block.
  explicit BlockDigests(std::uint64_t block_bytes, std::uint64_t begin = 0)
      : block_bytes_(block_bytes), first_block_(begin / block_bytes), offset_(begin) {}

  void add(Bytes bytes) {
    while (!bytes.empty()) {
      const std::uint64_t room = block_bytes_ - offset_ % block_bytes_;
      const Bytes part = bytes.first(std::min<std::uint64_t>(room, bytes.size()));
      open_ = crc32(part, open_);
      offset_ += part.size();
      bytes = bytes.subspan(part.size());
      if (part.size() == room) {
        whole_.push_back(open_);
        open_ = 0;
      }
    }
  }

  std::uint64_t block_bytes() const { return block_bytes_; }
  std::uint64_t offset() const { return offset_; }
  std::uint64_t first_block() const { return first_block_; }
  // Of blocks [first_block, first_block + size).
  const std::vector<std::uint32_t>& whole_blocks() const { return whole_; }
  // With the short block at the end, if there is one.
  std::vector<std::uint32_t> all_blocks() const {
    std::vector<std::uint32_t> all = whole_;
    if (offset_ % block_bytes_ != 0) all.push_back(open_);
    return all;
  }

 private:
  std::uint64_t block_bytes_;
  std::uint64_t first_block_;
  std::uint64_t offset_;
  std::uint32_t open_ = 0;
  std::vector<std::uint32_t> whole_;
};

}  // namespace binrelay
