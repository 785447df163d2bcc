#include "storage/segment/segment_blocks.h"

#include <algorithm>
#include <string>
#include <utility>

#include "protocol/check.h"
#include "protocol/wire/crc32.h"

namespace binrelay {

SegmentBlocks::SegmentBlocks(std::uint64_t block_bytes, std::uint64_t size, std::vector<std::uint32_t> digests)
    : block_bytes_(block_bytes), size_(size), digests_(std::move(digests)), states_(digests_.size()) {}

void SegmentBlocks::grow(std::uint64_t size, const std::vector<std::uint32_t>& digests) {
  const std::lock_guard lock(mutex_);
  BINRELAY_CHECK(digests.size() >= digests_.size() && size >= size_, "a file's blocks only become more");
  BINRELAY_CHECK(size_ == digests_.size() * block_bytes_, "only whole blocks are followed by others");
  digests_.insert(digests_.end(), digests.begin() + static_cast<std::ptrdiff_t>(digests_.size()), digests.end());
  states_.resize(digests_.size());
  size_ = size;
}

std::uint64_t SegmentBlocks::count() const {
  const std::lock_guard lock(mutex_);
  return digests_.size();
}

std::uint64_t SegmentBlocks::end_of(std::uint64_t block) const {
  const std::lock_guard lock(mutex_);
  return std::min((block + 1) * block_bytes_, size_);
}

SegmentBlocks::State SegmentBlocks::state(std::uint64_t block) const {
  const std::lock_guard lock(mutex_);
  return states_[block];
}

bool SegmentBlocks::matches(std::uint64_t block, Bytes content) const {
  if (content.size() != end_of(block) - begin_of(block)) return false;
  const std::uint32_t found = crc32(content);
  const std::lock_guard lock(mutex_);
  return found == digests_[block];
}

std::optional<std::uint64_t> SegmentBlocks::first_damaged(std::uint64_t from) const {
  const std::lock_guard lock(mutex_);
  if (damaged_ == 0) return std::nullopt;
  for (std::uint64_t block = from; block < states_.size(); ++block) {
    if (states_[block] == State::damaged) return block;
  }
  return std::nullopt;
}

void SegmentBlocks::set_lost(std::uint64_t block, bool lost) {
  const std::lock_guard lock(mutex_);
  if (lost && states_[block] == State::damaged)
    lost_.insert(block);
  else
    lost_.erase(block);
}

std::optional<Error> SegmentBlocks::damage_of(std::uint64_t block) const {
  const std::lock_guard lock(mutex_);
  if (states_[block] != State::damaged) return std::nullopt;
  const std::string what = "the stored bytes " + std::to_string(begin_of(block)) + " to " +
                           std::to_string(std::min((block + 1) * block_bytes_, size_)) +
                           " are not those that were received";
  if (lost_.contains(block)) return Error{Errc::not_found, what + ", and no source has them"};
  return Error{Errc::checksum, what};
}

std::optional<Error> SegmentBlocks::known_damage(std::uint64_t from, std::uint64_t to) const {
  const std::optional<std::uint64_t> damaged = first_damaged(from / block_bytes_);
  return damaged && begin_of(*damaged) < to ? damage_of(*damaged) : std::nullopt;
}

void SegmentBlocks::doubt(std::uint64_t from, std::uint64_t to) {
  const std::lock_guard lock(mutex_);
  for (std::uint64_t block = from / block_bytes_; block < states_.size() && begin_of(block) < to; ++block) {
    if (states_[block] == State::sound) states_[block] = State::unchecked;
  }
}

// nullopt: not in the page cache.
Result<std::optional<SegmentBlocks::State>> SegmentBlocks::look(const File& file, std::uint64_t block, ReadMode mode) {
  thread_local ByteBuffer content;
  content.resize(end_of(block) - begin_of(block));
  std::size_t got = 0;
  if (mode == ReadMode::cached_only) {
    BINRELAY_ASSIGN(const std::optional<std::size_t> cached, file.read_cached_at(begin_of(block), content));
    if (!cached || *cached < content.size()) return std::optional<State>();
    got = *cached;
  } else {
    auto read = file.read_at(begin_of(block), content);
    if (!read.ok() && read.error().code != Errc::io) return std::move(read).error();
    if (read.ok()) got = *read;
  }
  const State found = matches(block, Bytes(content).first(got)) ? State::sound : State::damaged;
  const std::lock_guard lock(mutex_);
  const State before = std::exchange(states_[block], found);
  if (found == State::damaged && before != State::damaged) ++damaged_;
  if (found == State::sound && before == State::damaged) --damaged_;
  if (found == State::sound) lost_.erase(block);
  return std::optional<State>(found);
}

Result<bool> SegmentBlocks::check(const File& file, std::uint64_t from, std::uint64_t to, ReadMode mode) {
  const std::uint64_t known = count();
  for (std::uint64_t block = from / block_bytes_; block < known && begin_of(block) < to; ++block) {
    if (state(block) == State::unchecked) {
      BINRELAY_ASSIGN(const std::optional<State> found, look(file, block, mode));
      if (!found) return false;
    }
    if (auto damage = damage_of(block)) return *std::move(damage);
  }
  return true;
}

Result<SegmentBlocks::State> SegmentBlocks::check_again(const File& file, std::uint64_t block) {
  BINRELAY_CHECK(block < count(), "only blocks with a digest are checked");
  BINRELAY_ASSIGN(const std::optional<State> found, look(file, block, ReadMode::may_block));
  return *found;
}

Status SegmentBlocks::restore(const File& file, std::uint64_t block, Bytes content) {
  if (!matches(block, content)) {
    return Error{Errc::checksum, "the source's bytes " + std::to_string(begin_of(block)) + " to " +
                                     std::to_string(end_of(block)) + " are not those that were received either"};
  }
  BINRELAY_TRY(file.write_at(begin_of(block), content));
  BINRELAY_TRY(file.sync());
  BINRELAY_ASSIGN(const State found, check_again(file, block));
  if (found == State::sound) return Done{};
  return Error{Errc::io, file.path().string() + ": the disk does not keep what is written at offset " +
                             std::to_string(begin_of(block))};
}

}  // namespace binrelay
