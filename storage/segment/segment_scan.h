#pragma once
// SegmentScan reads a segment file and checks everything an event can be checked for: length, position, checksum, place
// in its group. For recovery, index, archive and verify. Blocks on the disk.
//
// Thread: one. Everything in the file is untrusted; memory is bounded by the buffer plus, rarely, one event.
#include <cstdint>
#include <memory>
#include <optional>
#include <string>

#include "protocol/event/transaction_boundary.h"
#include "protocol/result.h"
#include "storage/segment/block_digests.h"
#include "storage/segment/event_reader.h"
#include "storage/segment/segment_head.h"

namespace binrelay {

struct ScannedEvent {
  EventHeader header;
  std::uint64_t offset = 0;
  Bytes bytes;  // the whole event, or its first bytes; valid until the next call
  bool whole = true;
  BoundaryPlace place{};
  ChecksumAlgorithm checksum = ChecksumAlgorithm::none;  // of the file
};

class SegmentScan {
 public:
  static constexpr std::size_t kBufferSize = 1u << 20;

  // From the first byte of the file, magic included; reads the head on its way.
  static SegmentScan from_start(std::shared_ptr<const File> file, std::uint64_t limit,
                                std::size_t buffer_size = kBufferSize);
  // From `offset`, the end of a whole group.
  static SegmentScan from_boundary(std::shared_ptr<const File> file, std::uint64_t offset, std::uint64_t limit,
                                   Flavour flavour, ChecksumAlgorithm checksum, std::size_t buffer_size = kBufferSize);

  // Events up to this size come whole (others may); those that fit into the buffer always do.
  void gather_up_to(std::uint64_t bytes) { gather_up_to_ = bytes; }
  // Every byte passed is given to `digests`, the magic included. Borrows it.
  void feed(BlockDigests* digests) { digests_ = digests; }

  // nullopt: the limit. Errc::short_input: an event reaches behind the limit. Errc::malformed, limit, checksum: a bad
  // event. After an error end() stays before the bad event, and the scan is over; placed() says where that is.
  Result<std::optional<ScannedEvent>> next();

  Error placed(Error error) const;                                // with file name and end() in front
  std::uint64_t end() const { return end_; }                      // behind the last good event
  std::uint64_t last_boundary() const { return last_boundary_; }  // the last end() outside a group
  std::uint64_t group_begin() const { return group_begin_; }      // of the last whole group; 0 = none seen
  const TransactionBoundary& boundary() const { return boundary_; }
  const SegmentHead& head() const { return head_; }  // from_start only
  ChecksumAlgorithm checksum() const { return checksum_; }

 private:
  SegmentScan(EventReader reader, std::uint64_t offset, bool with_head);
  static EventReader reader_of(std::shared_ptr<const File> file, std::uint64_t offset, std::uint64_t limit,
                               std::size_t buffer_size);
  Status check_magic();
  Status check_whole_checksum(const ReadEvent& event) const;
  Status pass_pieces(ReadEvent& event, ChecksumAlgorithm checksum);
  Result<ReadEvent> checked_event(ReadEvent event);
  Result<Bytes> gathered(const ReadEvent& event);
  void pass(Bytes bytes) {
    if (digests_ != nullptr) digests_->add(bytes);
  }

  EventReader reader_;
  SegmentHead head_;
  TransactionBoundary boundary_;
  ChecksumAlgorithm checksum_ = ChecksumAlgorithm::none;
  bool with_head_;
  std::uint64_t end_;
  std::uint64_t last_boundary_;
  std::uint64_t group_begin_ = 0;
  std::uint64_t gather_up_to_ = 0;
  BlockDigests* digests_ = nullptr;
  ByteBuffer first_bytes_;  // of a large event
  ByteBuffer gathered_;
};

}  // namespace binrelay
