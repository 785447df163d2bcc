#include "storage/recent_bytes.h"

#include <algorithm>
#include <cstring>

namespace binrelay {

void RecentBytes::add(SegmentNumber segment, std::uint64_t offset, Bytes bytes) {
  if (bytes.empty()) return;
  if (bytes.size() > kMost) return forget();
  const bool follows = chunk_ && chunk_->segment == segment && chunk_->begin + size_ == offset;
  if (!follows || kMost - size_ < bytes.size()) {
    auto chunk = std::make_shared<Chunk>();
    chunk->segment = segment;
    chunk->begin = offset;
    const std::lock_guard lock(mutex_);
    chunk_ = std::move(chunk);
    size_ = 0;
  }
  std::memcpy(chunk_->bytes.get() + size_, bytes.data(), bytes.size());
  const std::lock_guard lock(mutex_);
  size_ += bytes.size();
}

void RecentBytes::forget() {
  const std::lock_guard lock(mutex_);
  chunk_.reset();
  size_ = 0;
}

bool RecentBytes::copy(SegmentNumber segment, std::uint64_t offset, std::span<std::byte> to) const {
  std::shared_ptr<const Chunk> chunk;
  std::size_t size = 0;
  {
    const std::lock_guard lock(mutex_);
    chunk = chunk_;
    size = size_;
  }
  if (!chunk || chunk->segment != segment || offset < chunk->begin) return false;
  const std::uint64_t from = offset - chunk->begin;
  if (from > size || to.size() > size - from) return false;
  std::copy_n(chunk->bytes.get() + from, to.size(), to.begin());
  return true;
}

}  // namespace binrelay
