#pragma once
// RetentionPolicy: which segments may go by now. Pure: time, free space and what consumers need are inputs.
//
// Files go from the oldest on, and the one being written always stays. `expire_seconds` and `max_bytes` wait for what
// registered consumers still need; `min_free_bytes` does not: a full disk would stop the log for all of them.
#include <cstdint>
#include <optional>
#include <vector>

#include "protocol/ids.h"
#include "storage/segment/segment_catalog.h"

namespace binrelay {

// Each 0: no such rule.
struct RetentionRules {
  std::uint64_t expire_seconds = 0;  // a file goes when its last event is so old
  std::uint64_t max_bytes = 0;       // of the whole log
  std::uint64_t min_free_bytes = 0;  // on the file system
  bool any() const { return expire_seconds != 0 || max_bytes != 0 || min_free_bytes != 0; }
};

enum class RetentionRule : std::uint8_t { none, expire_seconds, max_bytes, min_free_bytes };
constexpr const char* to_text(RetentionRule rule) {
  switch (rule) {
    case RetentionRule::expire_seconds:
      return "expire_seconds";
    case RetentionRule::max_bytes:
      return "max_bytes";
    case RetentionRule::min_free_bytes:
      return "min_free_bytes";
    default:
      return "none";
  }
}

struct StoredSegment {
  SegmentNumber number{};
  std::uint64_t bytes = 0;
  std::int64_t closed_at = 0;  // unix seconds; of the newest: 0
};
// `visible_end` is that of the newest segment. When a file was closed is told by the head of the next one; where that
// is of another server, by the file's own time if that is later.
std::vector<StoredSegment> stored_segments(const SegmentCatalog& catalog, std::uint64_t newest_bytes);

struct RetentionInput {
  std::vector<StoredSegment> segments;       // oldest first
  std::int64_t now = 0;                      // unix seconds
  std::optional<std::uint64_t> free_bytes;   // nullopt: unknown
  std::optional<SegmentNumber> needed_from;  // the oldest that a registered consumer may still ask for
};
struct RetentionDecision {
  SegmentNumber keep_from{};                 // those before may go
  RetentionRule rule = RetentionRule::none;  // the one that asked for the most; none: nothing may go
  std::optional<SegmentNumber> wanted_from;  // set: but for needed_from it would have been this one
};
RetentionDecision decide_retention(const RetentionRules& rules, const RetentionInput& input);

}  // namespace binrelay
