#include "storage/segment/segment_catalog.h"

#include <algorithm>

namespace binrelay {

std::shared_ptr<const Segment> SegmentCatalog::at_or_after(SegmentNumber number) const {
  const auto at = std::lower_bound(segments_.begin(), segments_.end(), number,
                                   [](const auto& segment, SegmentNumber wanted) { return segment->number < wanted; });
  return at != segments_.end() ? *at : nullptr;
}

std::shared_ptr<const Segment> SegmentCatalog::find(SegmentNumber number) const {
  std::shared_ptr<const Segment> at = at_or_after(number);
  return at != nullptr && at->number == number ? at : nullptr;
}

std::shared_ptr<const Segment> SegmentCatalog::find(std::string_view served_name) const {
  const auto at = std::find_if(segments_.rbegin(), segments_.rend(),
                               [&](const auto& segment) { return segment->served_name == served_name; });
  return at != segments_.rend() ? *at : nullptr;
}

std::shared_ptr<const Segment> SegmentCatalog::after(SegmentNumber number) const {
  const auto at = std::upper_bound(segments_.begin(), segments_.end(), number,
                                   [](SegmentNumber wanted, const auto& segment) { return wanted < segment->number; });
  return at != segments_.end() ? *at : nullptr;
}

std::shared_ptr<const Segment> SegmentCatalog::history_begin() const {
  if (segments_.empty()) return nullptr;
  const std::uint32_t newest = segments_.back()->series->history;
  return *std::find_if(segments_.begin(), segments_.end(),
                       [&](const auto& segment) { return segment->series->history == newest; });
}

}  // namespace binrelay
