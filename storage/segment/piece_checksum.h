#pragma once
// PieceChecksum: the checksum of an event that comes in pieces: its last four bytes against the CRC of those before.
//
// Thread: none. Not for an FDE, whose CRC masks a bit (protocol/event/event_checksum.h).
#include <algorithm>
#include <array>
#include <cstdint>
#include <cstring>

#include "protocol/bytes.h"
#include "protocol/event/event_header.h"
#include "protocol/wire/crc32.h"

namespace binrelay {

// The checksum of an event that comes in pieces: its last four bytes against the CRC of those before.
class PieceChecksum {
 public:
  explicit PieceChecksum(std::uint64_t event_size) : covered_left_(event_size - kChecksumSize) {}
  void add(Bytes piece) {
    const Bytes covered = piece.first(std::min<std::uint64_t>(covered_left_, piece.size()));
    crc_ = crc32(covered, crc_);
    covered_left_ -= covered.size();
    for (const std::byte byte : piece.subspan(covered.size())) stored_[stored_size_++] = byte;
  }
  bool holds() const {
    std::uint32_t stored = 0;
    std::memcpy(&stored, stored_.data(), sizeof stored);
    return stored_size_ == stored_.size() && stored == crc_;
  }

 private:
  std::uint64_t covered_left_;
  std::uint32_t crc_ = 0;
  std::array<std::byte, kChecksumSize> stored_{};
  std::size_t stored_size_ = 0;
};

}  // namespace binrelay
