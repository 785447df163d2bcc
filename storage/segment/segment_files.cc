#include "storage/segment/segment_files.h"

#include <algorithm>

#include "protocol/wire/crc32.h"
#include "storage/gtid_state_bytes.h"
#include "storage/segment/segment_blocks.h"

namespace binrelay {

Result<SegmentHead> read_segment_head(std::shared_ptr<const File> file, std::uint64_t limit) {
  constexpr std::size_t kHeadBuffer = 4096;  // an FDE and a short list; a long one is read by itself
  SegmentScan scan = SegmentScan::from_start(std::move(file), limit, kHeadBuffer);
  while (!scan.head().complete()) {
    auto event = scan.next();
    // The list may still be on its way to the file; a later event is no part of the head.
    if (!event.ok() && (event.error().code != Errc::short_input || !scan.head().described())) {
      return scan.placed(event.error());
    }
    if (!event.ok() || !*event) break;
  }
  return scan.head();
}

Result<SegmentScan> scan_segment(const Segment& segment, std::uint64_t from, std::uint64_t limit,
                                 std::size_t buffer_size) {
  BINRELAY_ASSIGN(File opened, Disk().open_for_reading(segment.path));
  auto file = std::make_shared<const File>(std::move(opened));
  if (from == kFirstEventOffset) return SegmentScan::from_start(std::move(file), limit, buffer_size);
  return SegmentScan::from_boundary(std::move(file), from, limit, segment.flavour, segment.checksum, buffer_size);
}

Segment make_segment(const StreamFiles& files, const LogState& log, const SegmentState& state, const SegmentHead& head,
                     const GtidState& carried_over) {
  Segment segment;
  segment.number = state.number;
  segment.generation = state.generation;
  segment.series = log.series_of(state);
  segment.source_name = state.source_name;
  segment.served_name = log.served_name(state);
  segment.path = files.segment(state.generation, state.source_name);
  segment.sealed = state.sealed;
  if (state.sealed) {
    segment.size = state.size;
    segment.last_boundary = state.last_boundary;
  }
  segment.blocks = make_blocks(state);
  head.describe(segment, carried_over);
  return segment;
}

GtidState state_before_kept(const LogState& log, Flavour flavour) {
  return log.purged() ? log.purged()->before : empty_state(flavour);
}

std::uint64_t end_of_blocks(const SegmentState& state) {
  return state.sealed ? state.size : state.digests.size() * state.digest_block_bytes;
}

std::shared_ptr<SegmentBlocks> make_blocks(const SegmentState& state) {
  return std::make_shared<SegmentBlocks>(state.digest_block_bytes, end_of_blocks(state), state.digests);
}

Result<std::uint32_t> digest_of_stretch(const File& file, std::uint64_t from, std::uint64_t to) {
  ByteBuffer chunk(std::min<std::uint64_t>(1u << 20, to - from));
  std::uint32_t digest = 0;
  while (from < to) {
    const std::size_t wanted = std::min<std::uint64_t>(chunk.size(), to - from);
    BINRELAY_ASSIGN(const std::size_t got, file.read_at(from, std::span(chunk).first(wanted)));
    if (got == 0) return Error{Errc::io, file.path().string() + " is shorter than it was"};
    digest = crc32(Bytes(chunk).first(got), digest);
    from += got;
  }
  return digest;
}

Status check_before_mark(const File& file, const SegmentState& state) {
  const std::uint64_t begin = state.digests.size() * state.digest_block_bytes;
  BINRELAY_ASSIGN(const std::uint32_t found, digest_of_stretch(file, begin, state.last_boundary));
  if (found == state.rest_digest) return Done{};
  return Error{Errc::checksum, state.source_name + ", offset " + std::to_string(begin) +
                                   ": the stored bytes from here to " + std::to_string(state.last_boundary) +
                                   " are not those that were received"};
}

std::uint64_t durable_end(const LogState& log, const SegmentState& state) {
  if (state.sealed) return state.size;
  const bool clean = log.clean_stop() && log.clean_stop()->segment == state.number;
  return std::max({kFirstEventOffset, state.last_boundary, clean ? log.clean_stop()->end : kFirstEventOffset});
}

Result<std::uint64_t> event_that_holds(const std::filesystem::path& path, std::uint64_t offset) {
  if (offset < kFirstEventOffset) return kFirstEventOffset;
  BINRELAY_ASSIGN(File opened, Disk().open_for_reading(path));
  BINRELAY_ASSIGN(const std::uint64_t size, opened.size());
  constexpr std::size_t kBuffer = 64u << 10;
  EventReader reader(std::make_shared<const File>(std::move(opened)), kFirstEventOffset, size, kBuffer);
  for (;;) {
    const std::uint64_t begin = reader.offset();
    if (begin >= offset) return begin;  // its own first byte may be lost
    ReadStep step = reader.next();
    if (std::holds_alternative<NeedsRead>(step)) {
      BINRELAY_ASSIGN([[maybe_unused]] const bool read, reader.read(ReadMode::may_block));
      continue;
    }
    if (auto* error = std::get_if<Error>(&step)) return reader.placed(std::move(*error));
    if (std::holds_alternative<AtLimit>(step) || reader.offset() > offset) return begin;
  }
}

GtidState state_behind(const Segment* before, const std::optional<GtidState>& added, Flavour flavour) {
  if (before == nullptr) return empty_state(flavour);
  GtidState state = before->listed;
  if (added && added->index() == state.index()) add_all(state, *added);
  return state;
}

GtidState log_behind(const Segment* before, const std::optional<GtidState>& added, Flavour flavour) {
  GtidState state = state_behind(before, added, flavour);
  if (before == nullptr || before->series->skip.index() != state.index()) return state;
  return joined(before->series->skip, state);
}

}  // namespace binrelay
