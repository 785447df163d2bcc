#include "relay/filter/shared_groups.h"

#include <algorithm>
#include <utility>

namespace binrelay {

SharedGroups::Member::Member(std::shared_ptr<SharedGroups> groups) : groups_(std::move(groups)) {
  const std::lock_guard lock(groups_->mutex_);
  ++groups_->members_;
}

SharedGroups::Member::~Member() {
  const std::lock_guard lock(groups_->mutex_);
  if (--groups_->members_ > 1) return;
  groups_->groups_.clear();
  groups_->bytes_ = 0;
}

std::shared_ptr<const FilteredGroup> SharedGroups::find(LogPosition begin, const SegmentBlocks& file,
                                                        const RuleSet& rules) const {
  const std::lock_guard lock(mutex_);
  // Nearly always the last one, or the one before.
  const auto after = std::upper_bound(groups_.begin(), groups_.end(), begin,
                                      [](LogPosition place, const auto& group) { return place < group->begin; });
  if (after == groups_.begin()) return nullptr;
  const auto& group = *std::prev(after);
  if (group->begin != begin || group->file.get() != &file || group->rules.get() != &rules) return nullptr;
  found_.fetch_add(1, std::memory_order_relaxed);
  return group;
}

void SharedGroups::add(std::shared_ptr<const FilteredGroup> group) {
  if (group->bytes.size() > kLargestGroup) return;
  const std::lock_guard lock(mutex_);
  if (members_ < 2) return;
  if (!groups_.empty()) {
    const FilteredGroup& last = *groups_.back();
    const bool same_file = last.begin.segment == group->begin.segment;
    const bool read_again = same_file && last.file != group->file;  // the log was cut, and written anew
    if (!read_again && group->begin < LogPosition{last.begin.segment, last.end}) return;
    if (read_again || !same_file) {
      groups_.clear();
      bytes_ = 0;
    }
  }
  bytes_ += group->bytes.size();
  groups_.push_back(std::move(group));
  while (bytes_ > kMostBytes || groups_.size() > kMostGroups) drop_front();
}

void SharedGroups::drop_front() {
  bytes_ -= groups_.front()->bytes.size();
  groups_.pop_front();
}

std::size_t SharedGroups::held_bytes() const {
  const std::lock_guard lock(mutex_);
  return bytes_;
}

}  // namespace binrelay
