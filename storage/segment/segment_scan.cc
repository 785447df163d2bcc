#include "storage/segment/segment_scan.h"

#include <algorithm>
#include <array>

#include "protocol/event/event_checksum.h"
#include "storage/segment/piece_checksum.h"

namespace binrelay {
namespace {

constexpr std::size_t kFirstBytesKept = 64;  // of a large event: header and the fixed part of every body

// What TransactionBoundary and SegmentHead read bodies of.
bool needed_whole(EventType type) {
  switch (type) {
    case EventType::query:
    case EventType::mariadb_query_compressed:
    case EventType::execute_load_query:
    case EventType::gtid:
    case EventType::anonymous_gtid:
    case EventType::gtid_tagged:
    case EventType::mariadb_gtid:
    case EventType::previous_gtids:
    case EventType::mariadb_gtid_list:
    case EventType::format_description:
      return true;
    default:
      return false;
  }
}

}  // namespace

SegmentScan::SegmentScan(EventReader reader, std::uint64_t offset, bool with_head)
    : reader_(std::move(reader)), with_head_(with_head), end_(offset), last_boundary_(offset) {}

// A small file needs no large buffer.
EventReader SegmentScan::reader_of(std::shared_ptr<const File> file, std::uint64_t offset, std::uint64_t limit,
                                   std::size_t buffer_size) {
  return EventReader(std::move(file), offset, limit,
                     std::min<std::uint64_t>(buffer_size, limit > offset ? limit - offset : 0));
}

SegmentScan SegmentScan::from_start(std::shared_ptr<const File> file, std::uint64_t limit, std::size_t buffer_size) {
  SegmentScan scan(reader_of(std::move(file), kFirstEventOffset, limit, buffer_size), kFirstEventOffset, true);
  scan.end_ = 0;  // the magic comes first
  return scan;
}

SegmentScan SegmentScan::from_boundary(std::shared_ptr<const File> file, std::uint64_t offset, std::uint64_t limit,
                                       Flavour flavour, ChecksumAlgorithm checksum, std::size_t buffer_size) {
  SegmentScan scan(reader_of(std::move(file), offset, limit, buffer_size), offset, false);
  scan.checksum_ = checksum;
  scan.boundary_.start_file(flavour, checksum);
  return scan;
}

Result<std::optional<ScannedEvent>> SegmentScan::next() {
  if (end_ == 0) BINRELAY_TRY(check_magic());
  gathered_ = ByteBuffer();  // the one before may have been large
  ReadStep step = reader_.next();
  while (std::holds_alternative<NeedsRead>(step)) {
    BINRELAY_ASSIGN([[maybe_unused]] const bool read, reader_.read(ReadMode::may_block));
    step = reader_.next();
  }
  if (auto* error = std::get_if<Error>(&step)) return std::move(*error);
  if (std::holds_alternative<AtLimit>(step)) return std::optional<ScannedEvent>();

  BINRELAY_ASSIGN(const ReadEvent event, checked_event(std::get<ReadEvent>(step)));
  const bool is_first = event.offset == kFirstEventOffset;
  if (event.header.type == EventType::format_description && !is_first) {
    return Error{Errc::malformed, "a format description event inside a file"};
  }
  if (with_head_ && !head_.complete()) {
    BINRELAY_TRY(head_.on_event(event.header, event.bytes, event.offset));
    if (is_first) {
      checksum_ = head_.checksum();
      boundary_.start_file(head_.flavour(), checksum_);
    }
  }
  BINRELAY_ASSIGN(const BoundaryPlace place, boundary_.on_event(event.header, event.bytes, event.offset));

  end_ = event.offset + event.header.size;
  if (!boundary_.in_group()) {
    last_boundary_ = end_;
    if (place != BoundaryPlace::outside) group_begin_ = boundary_.group_begin_offset();
  }
  return std::optional<ScannedEvent>(
      ScannedEvent{event.header, event.offset, event.bytes, event.whole, place, checksum_});
}

Status SegmentScan::check_magic() {
  std::array<std::byte, kFirstEventOffset> magic;
  BINRELAY_ASSIGN(const std::size_t got, reader_.file().read_at(0, magic));
  if (got < magic.size()) return Error{Errc::short_input, "the file's magic is cut off"};
  if (!std::equal(magic.begin(), magic.end(), kBinlogMagic.begin()))
    return Error{Errc::malformed, "the file's magic is wrong"};
  pass(magic);
  end_ = kFirstEventOffset;
  return Done{};
}

// An FDE always ends in a checksum, whatever the algorithm it announces.
Result<ReadEvent> SegmentScan::checked_event(ReadEvent event) {
  const bool is_description = event.header.type == EventType::format_description;
  const ChecksumAlgorithm checksum = is_description ? ChecksumAlgorithm::crc32 : checksum_;
  if (checksum == ChecksumAlgorithm::crc32 && event.header.size < kEventHeaderSize + kChecksumSize) {
    return Error{Errc::malformed, "an event has no room for its checksum"};
  }
  if (event.whole) {
    BINRELAY_TRY(check_whole_checksum(event));
    pass(event.bytes);
    return event;
  }
  if (is_description) return Error{Errc::limit, "a format description event is too large"};
  BINRELAY_TRY(pass_pieces(event, checksum));
  if (needed_whole(event.header.type) || event.header.size <= gather_up_to_) {
    BINRELAY_ASSIGN(event.bytes, gathered(event));
    event.whole = true;
  }
  return event;
}

Status SegmentScan::check_whole_checksum(const ReadEvent& event) const {
  const bool has_checksum = checksum_ == ChecksumAlgorithm::crc32 || event.header.type == EventType::format_description;
  if (has_checksum && !event_checksum_holds(event.bytes)) {
    return Error{Errc::checksum, "an event's checksum does not match"};
  }
  return Done{};
}

Status SegmentScan::pass_pieces(ReadEvent& event, ChecksumAlgorithm checksum) {
  first_bytes_.assign(event.bytes.begin(), event.bytes.begin() + kFirstBytesKept);
  PieceChecksum sum(event.header.size);
  sum.add(event.bytes);
  pass(event.bytes);
  for (bool last = false; !last;) {
    PieceStep step = reader_.next_piece();
    if (auto* error = std::get_if<Error>(&step)) return std::move(*error);
    if (const auto* piece = std::get_if<Piece>(&step)) {
      sum.add(piece->bytes);
      pass(piece->bytes);
      last = piece->last;
      continue;
    }
    BINRELAY_ASSIGN([[maybe_unused]] const bool read, reader_.read(ReadMode::may_block));
  }
  event.bytes = first_bytes_;
  if (checksum == ChecksumAlgorithm::crc32 && !sum.holds()) {
    return Error{Errc::checksum, "an event's checksum does not match"};
  }
  return Done{};
}

Result<Bytes> SegmentScan::gathered(const ReadEvent& event) {
  gathered_.resize(event.header.size);
  BINRELAY_ASSIGN(const std::size_t got, reader_.file().read_at(event.offset, gathered_));
  if (got != gathered_.size()) return Error{Errc::io, "the file is shorter than it was"};
  return Bytes(gathered_);
}

Error SegmentScan::placed(Error error) const {
  error.context = reader_.file().path().filename().string() + ", offset " + std::to_string(end_) + ": " + error.context;
  return error;
}

}  // namespace binrelay
