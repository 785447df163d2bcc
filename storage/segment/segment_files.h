#pragma once
// From what the journal says of a segment and what its file begins with to the Segment that readers see.
#include <memory>
#include <vector>

#include "storage/file/disk.h"
#include "storage/file/file_names.h"
#include "storage/journal/log_state.h"
#include "storage/segment/segment_catalog.h"
#include "storage/segment/segment_head.h"
#include "storage/segment/segment_scan.h"

namespace binrelay {

// Reads FDE and list of earlier GTIDs. Not described(): the file ends before its FDE does.
Result<SegmentHead> read_segment_head(std::shared_ptr<const File> file, std::uint64_t limit);

// A scan of [from, limit): from the file's first byte when `from` is its first event, else `from` is a boundary.
Result<SegmentScan> scan_segment(const Segment& segment, std::uint64_t from, std::uint64_t limit,
                                 std::size_t buffer_size = SegmentScan::kBufferSize);

// `head` must be described(). `carried_over`: what the files before contain, for a file that does not say.
Segment make_segment(const StreamFiles& files, const LogState& log, const SegmentState& state, const SegmentHead& head,
                     const GtidState& carried_over);

// Of the blocks that have a digest so far.
std::shared_ptr<SegmentBlocks> make_blocks(const SegmentState& state);
std::uint64_t end_of_blocks(const SegmentState& state);
// CRC32 of the file's bytes [from, to). Errc::io: it ends before.
Result<std::uint32_t> digest_of_stretch(const File& file, std::uint64_t from, std::uint64_t to);
// What no whole block's digest covers of the bytes before the mark of the segment being written. Errc::checksum: it is
// not what was stored.
Status check_before_mark(const File& file, const SegmentState& state);
// How far the journal says that the file was on stable storage.
std::uint64_t durable_end(const LogState& log, const SegmentState& state);

// Where the event begins that the byte at `offset` of a segment file belongs to; everything before must be sound.
Result<std::uint64_t> event_that_holds(const std::filesystem::path& path, std::uint64_t offset);

// What the files of its series up to and with `before` contain, by their own account; the empty state of `flavour` for
// nullptr.
GtidState state_behind(const Segment* before, const std::optional<GtidState>& added, Flavour flavour);
// What the log contains behind `before`.
GtidState log_behind(const Segment* before, const std::optional<GtidState>& added, Flavour flavour);

// What the files before the oldest segment that is kept contained, as far as only the journal knows.
GtidState state_before_kept(const LogState& log, Flavour flavour);

}  // namespace binrelay
