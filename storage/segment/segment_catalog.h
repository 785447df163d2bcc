#pragma once
// SegmentCatalog: an immutable picture of the segments of a log, in log order. The log swaps in a new one when a
// segment is opened, sealed or removed; whoever holds the old picture goes on undisturbed (open files stay readable).
// Thread: any; immutable.
#include <cstdint>
#include <filesystem>
#include <limits>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/bytes.h"
#include "protocol/gtid/gtid_state.h"
#include "protocol/ids.h"
#include "storage/file/file_names.h"

namespace binrelay {

// A series of files of one source. Files of one history continue each other; at the start of another history a consumer
// cannot go on.
struct Series {
  std::uint32_t history = 1, generation = 1;
  ServedNames names;
  // What the log had when the series began: not served again from its files.
  GtidState skip;
  bool skips(const std::optional<AnyGtid>& gtid) const { return gtid && contains(skip, *gtid); }
};

class SegmentBlocks;

struct Segment {
  SegmentNumber number{};
  std::uint32_t generation = 1;
  std::shared_ptr<const Series> series = std::make_shared<Series>();
  std::string source_name;  // the file's name on the source
  std::string served_name;  // its name towards consumers
  std::filesystem::path path;
  ByteBuffer format_description;  // the stored FDE, whole
  ChecksumAlgorithm checksum = ChecksumAlgorithm::none;
  Flavour flavour = Flavour::mysql;
  std::uint32_t created_at = 0;  // the FDE's header timestamp, seconds since 1970
  std::uint64_t head_end = 0;    // offset behind FDE and PREVIOUS_GTIDS / GTID_LIST
  GtidState listed;              // what the file says all files before it contained (PREVIOUS_GTIDS / GTID_LIST)
  GtidState previous;            // what the log contains before this file: `listed`, and what its series skips
  bool sealed = false;
  std::uint64_t size = 0;  // sealed: bytes in the file. Active: 0, ask EventLog::ends()
  std::uint64_t last_boundary =
      0;  // sealed: end of the last whole group; < size only behind a group the source never finished
  std::shared_ptr<SegmentBlocks> blocks;  // active: those before the last mark
};

// No event at the end of `segment`, a ROTATE or STOP, is of after this, seconds since 1970: it is as old as the file
// that the same server began behind it. The largest number: nobody can say so; another server's clock or one put back.
inline std::uint32_t youngest_end(const Segment& segment, const Segment& following) {
  const bool continues = following.generation == segment.generation && following.created_at >= segment.created_at;
  return continues ? following.created_at : std::numeric_limits<std::uint32_t>::max();
}

class SegmentCatalog {
 public:
  explicit SegmentCatalog(std::vector<std::shared_ptr<const Segment>> segments) : segments_(std::move(segments)) {}
  const std::vector<std::shared_ptr<const Segment>>& segments() const { return segments_; }
  std::shared_ptr<const Segment> find(SegmentNumber number) const;
  std::shared_ptr<const Segment> find(std::string_view served_name) const;  // the newest of that name
  std::shared_ptr<const Segment> at_or_after(SegmentNumber number) const;   // nullptr at the end
  std::shared_ptr<const Segment> after(SegmentNumber number) const;         // nullptr at the end
  std::shared_ptr<const Segment> oldest() const { return segments_.empty() ? nullptr : segments_.front(); }
  std::shared_ptr<const Segment> newest() const { return segments_.empty() ? nullptr : segments_.back(); }
  // The oldest of the newest one's history: where a consumer that names no file begins.
  std::shared_ptr<const Segment> history_begin() const;

 private:
  std::vector<std::shared_ptr<const Segment>> segments_;
};

}  // namespace binrelay
