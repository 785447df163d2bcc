#include "storage/segment/event_reader.h"

#include <algorithm>
#include <cstring>

#include "protocol/check.h"

namespace binrelay {
namespace {

constexpr std::size_t kSmallestRoom = 4u << 10;

}  // namespace

EventReader::EventReader(std::shared_ptr<const File> file, std::uint64_t offset, std::uint64_t limit,
                         std::size_t buffer_size)
    : file_(std::move(file)),
      offset_(offset),
      limit_(limit),
      read_offset_(offset),
      capacity_(std::max<std::size_t>(buffer_size, kSmallestRoom)) {}

ReadStep EventReader::next() {
  drop(piece_bytes_);
  piece_bytes_ = 0;
  if (offset_ >= limit_) return AtLimit{};

  const std::uint64_t left = limit_ - offset_;
  if (left < kEventHeaderSize) return Error{Errc::short_input, "an event header is cut off"};
  if (available() < kEventHeaderSize) return NeedsRead{};
  const Bytes unread(buffer_.get() + begin_, available());
  const auto header = decode_event_header(unread);
  if (!header.ok()) return header.error();
  if (header->size > left) return Error{Errc::short_input, "an event is cut off"};
  const auto end = static_cast<std::uint32_t>(offset_ + header->size);  // log_pos wraps at 4 GiB as this does
  if (header->log_pos != 0 && header->log_pos != end) {
    return Error{Errc::malformed, "an event does not end where its header says"};
  }

  const std::uint64_t wanted = std::min<std::uint64_t>(header->size, capacity_);
  if (unread.size() < wanted) return NeedsRead{};
  ReadEvent event{*header, offset_, unread.first(wanted), wanted == header->size};
  offset_ += header->size;
  piece_bytes_ = header->size - wanted;
  begin_ += wanted;
  return event;
}

EventRun EventReader::next_run(const EventTypeSet& types, std::size_t most) {
  const EventRun run = find_run(at_hand(), offset_, types, most);
  pass_over(run.bytes.size());
  return run;
}

Bytes EventReader::at_hand() const {
  if (piece_bytes_ > 0) return {};
  return {buffer_.get() + begin_, std::min<std::uint64_t>(available(), limit_ - offset_)};
}

void EventReader::pass_over(std::size_t bytes) {
  BINRELAY_CHECK(bytes <= at_hand().size(), "what is passed over was at hand");
  offset_ += bytes;
  begin_ += bytes;
}

void EventReader::pass_to(std::uint64_t offset) {
  BINRELAY_CHECK(offset >= offset_ && offset <= limit_, "what is passed over lies before the limit");
  drop(piece_bytes_ + (offset - offset_));
  piece_bytes_ = 0;
  offset_ = offset;
}

PieceStep EventReader::next_piece() {
  BINRELAY_CHECK(piece_bytes_ > 0, "pieces are asked for while the event has some left");
  if (available() == 0) return NeedsRead{};
  const std::size_t count = std::min<std::uint64_t>(available(), piece_bytes_);
  const Bytes bytes(buffer_.get() + begin_, count);
  begin_ += count;
  piece_bytes_ -= count;
  return Piece{bytes, piece_bytes_ == 0};
}

Result<bool> EventReader::read(ReadMode mode) {
  if (read_offset_ >= limit_ || available() == capacity_) return true;
  const std::span<std::byte> room = begin_read();
  std::size_t got = 0;
  if (mode == ReadMode::cached_only) {
    BINRELAY_ASSIGN(const std::optional<std::size_t> cached, file_->read_cached_at(read_offset_, room));
    // The rest may be on its way from the disk already; whoever checks what comes from there must see all of it.
    if (!cached || *cached < room.size()) return false;
    got = *cached;
  } else {
    BINRELAY_ASSIGN(got, file_->read_at(read_offset_, room));
  }
  if (got == 0) return Error{Errc::io, "the file is shorter than it was"};
  end_read(got);
  return true;
}

std::span<std::byte> EventReader::begin_read() {
  const std::size_t wanted = next_read_end() - next_read_begin();
  make_room(available() + wanted);
  return {buffer_.get() + filled_, wanted};
}

void EventReader::end_read(std::size_t got) {
  filled_ += got;
  read_offset_ += got;
}

// What is unread comes to the front.
void EventReader::make_room(std::size_t bytes) {
  const std::size_t unread = available();
  if (room_ < bytes) {
    const std::size_t room = std::clamp(2 * bytes, kSmallestRoom, capacity_);
    auto larger = std::make_unique_for_overwrite<std::byte[]>(room);
    if (unread != 0) std::memcpy(larger.get(), buffer_.get() + begin_, unread);
    buffer_ = std::move(larger);
    room_ = room;
  } else if (begin_ > 0 && unread != 0) {
    std::memmove(buffer_.get(), buffer_.get() + begin_, unread);
  }
  filled_ = unread;
  begin_ = 0;
}

void EventReader::release_buffer() {
  if (available() != 0 || room_ == kSmallestRoom) return;
  buffer_.reset();
  room_ = begin_ = filled_ = 0;
}

Error EventReader::placed(Error error) const {
  error.context = file_->path().filename().string() + ", offset " + std::to_string(offset_) + ": " + error.context;
  return error;
}

void EventReader::raise_limit(std::uint64_t limit) {
  BINRELAY_CHECK(limit >= limit_, "the limit of a reader only grows");
  limit_ = limit;
}

void EventReader::drop(std::uint64_t count) {
  const std::size_t buffered = std::min<std::uint64_t>(count, available());
  begin_ += buffered;
  read_offset_ += count - buffered;
}

}  // namespace binrelay
