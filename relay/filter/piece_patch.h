#pragma once
// PiecePatch: a large event that changes on its way out, piece by piece: a flag in its first bytes, or zeros
// throughout, and the checksum at its end. Thread: none of its own.
#include <algorithm>
#include <cstdint>
#include <cstring>

#include "protocol/bytes.h"
#include "protocol/event/event_header.h"
#include "protocol/filter/event_edit.h"
#include "protocol/wire/crc32.h"

namespace binrelay {

class PiecePatch {
 public:
  PiecePatch(std::uint64_t size, ChecksumAlgorithm checksum)
      : left_(size - (checksum == ChecksumAlgorithm::crc32 ? kChecksumSize : 0)),
        trailer_(checksum == ChecksumAlgorithm::crc32 ? kChecksumSize : 0) {}

  // The next bytes of the event as it is stored; those that go out, valid until the next call. The old checksum at the
  // end is replaced.
  Bytes next(Bytes piece) {
    buffer_.assign(piece.begin(), piece.end());
    return patched();
  }
  Bytes first_with_statement_end(Bytes piece) {
    buffer_.assign(piece.begin(), piece.end());
    if (buffer_.size() > kRowsFlagsOffset) buffer_[kRowsFlagsOffset] |= kStatementEndFlag;
    return patched();
  }
  Bytes zeros(std::size_t at_most) {  // of a filler, behind its header
    buffer_.assign(std::min<std::uint64_t>(at_most, left_ + trailer_), std::byte{0});
    return patched();
  }
  bool over() const { return left_ == 0 && trailer_ == 0; }

 private:
  Bytes patched() {
    const std::size_t summed = std::min<std::uint64_t>(buffer_.size(), left_);
    sum_ = crc32(Bytes(buffer_).first(summed), sum_);
    left_ -= summed;
    for (std::size_t i = summed; i < buffer_.size() && trailer_ > 0; ++i, --trailer_)
      buffer_[i] = static_cast<std::byte>(sum_ >> (8 * (kChecksumSize - trailer_)));
    return buffer_;
  }

  std::uint64_t left_;   // bytes the checksum covers
  std::size_t trailer_;  // of the checksum
  std::uint32_t sum_ = 0;
  ByteBuffer buffer_;
};

}  // namespace binrelay
