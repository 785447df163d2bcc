#pragma once
// SegmentWriter appends whole events to the active segment file through one buffer: no system call and no allocation
// per event.
//
// Thread: upstream thread (the file is shared with the sync thread). Owner: EventLog.
//
// Invariant: [0, written_end()) is in the file, [written_end(), end()) in the buffer; both hold the magic and whole
// events.
#include <cstdint>
#include <memory>

#include "protocol/bytes.h"
#include "protocol/result.h"
#include "storage/file/disk.h"
#include "storage/segment/block_digests.h"

namespace binrelay {

class SegmentWriter {
 public:
  // `digests` have seen the file up to `end`.
  SegmentWriter(std::shared_ptr<File> file, std::uint64_t end, BlockDigests digests, std::uint64_t buffer_bytes);

  bool has_room_for(Bytes event) const { return event.size() <= capacity_ - used_; }
  bool fits_buffer(Bytes event) const { return event.size() <= capacity_; }
  void buffer(Bytes event);            // needs room
  Status write_buffer();               // the buffer goes to the file
  Status write_directly(Bytes event);  // the buffer must be empty; for events larger than it
  Result<bool> equal_at(std::uint64_t offset, Bytes expected) const;  // file and buffer

  std::uint64_t end() const { return written_end_ + used_; }
  std::uint64_t written_end() const { return written_end_; }
  Bytes waiting() const { return {buffer_.get(), used_}; }  // to be written; valid until the next buffer()
  const BlockDigests& digests() const { return digests_; }  // of [0, written_end())
  const std::shared_ptr<File>& file() const { return file_; }

 private:
  std::shared_ptr<File> file_;
  std::uint64_t written_end_;
  BlockDigests digests_;
  std::size_t capacity_;
  std::size_t used_ = 0;
  std::unique_ptr<std::byte[]> buffer_;
};

}  // namespace binrelay
