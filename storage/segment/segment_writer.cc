#include "storage/segment/segment_writer.h"

#include <algorithm>
#include <array>
#include <cstring>

#include "protocol/check.h"

namespace binrelay {

SegmentWriter::SegmentWriter(std::shared_ptr<File> file, std::uint64_t end, BlockDigests digests,
                             std::uint64_t buffer_bytes)
    : file_(std::move(file)),
      written_end_(end),
      digests_(std::move(digests)),
      capacity_(buffer_bytes),
      buffer_(std::make_unique_for_overwrite<std::byte[]>(buffer_bytes)) {
  BINRELAY_CHECK(digests_.offset() == end, "the digests have seen the whole file");
}

void SegmentWriter::buffer(Bytes event) {
  BINRELAY_CHECK(has_room_for(event), "the buffer was written out before it overflows");
  std::memcpy(buffer_.get() + used_, event.data(), event.size());
  used_ += event.size();
}

Status SegmentWriter::write_buffer() {
  if (used_ == 0) return Done{};
  BINRELAY_TRY(file_->write_at(written_end_, waiting()));
  digests_.add(waiting());
  written_end_ += used_;
  used_ = 0;
  return Done{};
}

Status SegmentWriter::write_directly(Bytes event) {
  BINRELAY_CHECK(used_ == 0, "what came before is written before");
  BINRELAY_TRY(file_->write_at(written_end_, event));
  digests_.add(event);
  written_end_ += event.size();
  return Done{};
}

Result<bool> SegmentWriter::equal_at(std::uint64_t offset, Bytes expected) const {
  BINRELAY_CHECK(offset <= end() && expected.size() <= end() - offset, "the compared bytes are stored");
  std::array<std::byte, 64 << 10> stored;
  while (!expected.empty() && offset < written_end_) {
    const std::size_t wanted = std::min<std::uint64_t>({stored.size(), expected.size(), written_end_ - offset});
    BINRELAY_ASSIGN(const std::size_t got, file_->read_at(offset, std::span(stored).first(wanted)));
    if (got != wanted) return Error{Errc::io, file_->path().string() + " became shorter than what was written to it"};
    if (std::memcmp(stored.data(), expected.data(), wanted) != 0) return false;
    offset += wanted;
    expected = expected.subspan(wanted);
  }
  if (expected.empty()) return true;
  return std::memcmp(buffer_.get() + (offset - written_end_), expected.data(), expected.size()) == 0;
}

}  // namespace binrelay
