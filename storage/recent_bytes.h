#pragma once
// RecentBytes: the newest bytes of a log's active segment as they were written, so that whoever waits at its end needs
// no system call to read them. What is not here is in the file.
//
// Thread: add() and forget() the upstream's; copy() any. Owner: EventLog.
//
// Invariant: a chunk's bytes below `size_` never change; who copies holds the chunk, not the mutex.
#include <cstddef>
#include <cstdint>
#include <memory>
#include <mutex>
#include <span>

#include "protocol/bytes.h"
#include "protocol/ids.h"

namespace binrelay {

class RecentBytes {
 public:
  static constexpr std::size_t kMost = 64u << 10;

  // They were written at `offset`. More than kMost at once come from somebody far behind: nobody waits for those here.
  void add(SegmentNumber segment, std::uint64_t offset, Bytes bytes);
  void forget();  // what was written may not stay
  // False: not all of them are here.
  bool copy(SegmentNumber segment, std::uint64_t offset, std::span<std::byte> to) const;

 private:
  struct Chunk {
    SegmentNumber segment{};
    std::uint64_t begin = 0;
    std::unique_ptr<std::byte[]> bytes = std::make_unique_for_overwrite<std::byte[]>(kMost);
  };

  mutable std::mutex mutex_;
  std::shared_ptr<Chunk> chunk_;
  std::size_t size_ = 0;
};

}  // namespace binrelay
