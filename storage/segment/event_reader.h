#pragma once
// EventReader walks the events of one segment file up to a limit, through one buffer. Large events come in pieces. It
// never reads by itself: when the buffer runs dry it says NeedsRead, and the owner chooses how to read.
//
// Thread: one at a time. Owner: LogCursor, SegmentScan. Everything in the file is untrusted.
#include <algorithm>
#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <variant>

#include "protocol/bytes.h"
#include "protocol/event/event_header.h"
#include "protocol/event/event_run.h"
#include "protocol/result.h"
#include "storage/file/disk.h"

namespace binrelay {

enum class ReadMode : std::uint8_t {
  cached_only,  // RWF_NOWAIT: returns false when a part would come from the disk
  may_block,
};

struct NeedsRead {};  // call read(), then the same call again
struct Piece {
  Bytes bytes;
  bool last = false;
};
using PieceStep = std::variant<Piece, NeedsRead, Error>;

struct ReadEvent {
  EventHeader header;
  std::uint64_t offset = 0;
  Bytes bytes;  // the whole event, or its first bytes; valid until the next call of a non-const member
  bool whole = true;
};
struct AtLimit {};
using ReadStep = std::variant<ReadEvent, NeedsRead, AtLimit, Error>;

class EventReader {
 public:
  EventReader(std::shared_ptr<const File> file, std::uint64_t offset, std::uint64_t limit, std::size_t buffer_size);

  // Errors: Errc::short_input: an event starts before the limit and ends behind it; Errc::malformed, Errc::limit: not
  // an event, or its log_pos is not its end modulo 2^32. The reader stays before the bad event; placed() says where
  // that is.
  ReadStep next();
  // Events at hand of these types, whole, `most` bytes of them: none when the next event is not such, and next() tells
  // what it is. Valid until the next read() or release_buffer().
  EventRun next_run(const EventTypeSet& types, std::size_t most);
  // What is buffered of the events that come next, the last of them perhaps in part; pass_over() is for whole ones.
  Bytes at_hand() const;
  void pass_over(std::size_t bytes);
  // The next event is the one at `offset`, not behind the limit, whatever is buffered.
  void pass_to(std::uint64_t offset);
  // The rest of an event that was not whole; next() passes over what was not asked for.
  PieceStep next_piece();
  Result<bool> read(ReadMode mode);
  // The same in two steps, from elsewhere than the file: room for what read() would ask the file for, then all of it.
  std::span<std::byte> begin_read();
  void end_read(std::size_t got);

  bool holds_bytes() const { return available() != 0; }
  // What read() asks the file for, at most.
  std::uint64_t next_read_begin() const { return read_offset_; }
  std::uint64_t next_read_end() const { return std::min(limit_, read_offset_ + capacity_ - available()); }
  // Who waits for more keeps no memory: the next read() takes what it needs.
  void release_buffer();

  std::uint64_t offset() const { return offset_; }  // of the next event
  std::uint64_t limit() const { return limit_; }
  void raise_limit(std::uint64_t limit);
  const File& file() const { return *file_; }
  Error placed(Error error) const;  // with file name and offset() in front

 private:
  std::size_t available() const { return filled_ - begin_; }
  void make_room(std::size_t bytes);  // in the buffer, for so many in all
  void drop(std::uint64_t count);     // from the front of what is unread

  std::shared_ptr<const File> file_;
  std::uint64_t offset_;  // of the next event
  std::uint64_t limit_;
  std::uint64_t read_offset_;      // file offset of buffer_[filled_]
  std::uint64_t piece_bytes_ = 0;  // of a large event, not handed out yet
  std::size_t capacity_;           // the most that is buffered
  std::size_t room_ = 0;           // of buffer_
  std::size_t begin_ = 0;
  std::size_t filled_ = 0;
  std::unique_ptr<std::byte[]> buffer_;
};

}  // namespace binrelay
