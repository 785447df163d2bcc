#include "storage/retention/retention_policy.h"

#include <algorithm>
#include <chrono>
#include <filesystem>

namespace binrelay {
namespace {

std::int64_t modified_at(const std::filesystem::path& path) {
  std::error_code failed;
  const auto time = std::filesystem::last_write_time(path, failed);
  if (failed) return 0;
  const auto system = std::chrono::file_clock::to_sys(time).time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(system).count();
}

// How many segments from the oldest on a rule would have removed.

std::size_t expired(const RetentionInput& input, std::uint64_t expire_seconds) {
  std::size_t count = 0;
  while (count + 1 < input.segments.size() &&
         input.segments[count].closed_at + static_cast<std::int64_t>(expire_seconds) <= input.now) {
    ++count;
  }
  return count;
}

std::size_t beyond(const RetentionInput& input, std::uint64_t max_bytes) {
  std::uint64_t bytes = 0;
  for (const StoredSegment& segment : input.segments) bytes += segment.bytes;
  std::size_t count = 0;
  while (count + 1 < input.segments.size() && bytes > max_bytes) bytes -= input.segments[count++].bytes;
  return count;
}

std::size_t to_free(const RetentionInput& input, std::uint64_t min_free_bytes) {
  std::uint64_t free = *input.free_bytes;
  std::size_t count = 0;
  while (count + 1 < input.segments.size() && free < min_free_bytes) free += input.segments[count++].bytes;
  return count;
}

}  // namespace

std::vector<StoredSegment> stored_segments(const SegmentCatalog& catalog, std::uint64_t newest_bytes) {
  const auto& segments = catalog.segments();
  std::vector<StoredSegment> stored;
  stored.reserve(segments.size());
  for (std::size_t i = 0; i < segments.size(); ++i) {
    const Segment& segment = *segments[i];
    StoredSegment& entry = stored.emplace_back(StoredSegment{segment.number, segment.size, 0});
    if (i + 1 == segments.size()) {
      entry.bytes = newest_bytes;
      continue;
    }
    entry.closed_at = segments[i + 1]->created_at;
    if (segments[i + 1]->generation != segment.generation)
      entry.closed_at = std::max(entry.closed_at, modified_at(segment.path));
  }
  return stored;
}

RetentionDecision decide_retention(const RetentionRules& rules, const RetentionInput& input) {
  RetentionDecision decision;
  if (input.segments.empty()) return decision;
  const auto& segments = input.segments;
  std::size_t count = 0;
  const auto raise = [&](std::size_t wanted, RetentionRule rule) {
    if (wanted <= count) return;
    count = wanted;
    decision.rule = rule;
  };
  if (rules.expire_seconds != 0) raise(expired(input, rules.expire_seconds), RetentionRule::expire_seconds);
  if (rules.max_bytes != 0) raise(beyond(input, rules.max_bytes), RetentionRule::max_bytes);

  if (input.needed_from) {
    const auto needed = std::find_if(segments.begin(), segments.end(), [&](const StoredSegment& segment) {
      return segment.number >= *input.needed_from;
    });
    const auto held = static_cast<std::size_t>(needed - segments.begin());
    if (held < count) {
      decision.wanted_from = segments[count].number;
      count = held;
    }
  }
  if (rules.min_free_bytes != 0 && input.free_bytes)
    raise(to_free(input, rules.min_free_bytes), RetentionRule::min_free_bytes);
  if (count == 0) decision.rule = RetentionRule::none;
  decision.keep_from = segments[count].number;
  return decision;
}

}  // namespace binrelay
