#include "storage/retention/read_pins.h"

#include <algorithm>

#include "protocol/check.h"

namespace binrelay {

std::optional<ReadPins::Pin> ReadPins::pin(SegmentNumber segment) {
  const std::lock_guard lock(mutex_);
  if (segment < floor_) return std::nullopt;
  ++readers_[segment];
  return Pin(this, segment);
}

void ReadPins::Pin::move_to(SegmentNumber segment) {
  if (pins_ == nullptr) return;
  const std::lock_guard lock(pins_->mutex_);
  BINRELAY_CHECK(segment >= segment_, "readers move forward");
  ++pins_->readers_[segment];
  pins_->release_locked(segment_);
  segment_ = segment;
}

std::optional<SegmentNumber> ReadPins::oldest() const {
  const std::lock_guard lock(mutex_);
  if (readers_.empty()) return std::nullopt;
  return readers_.begin()->first;
}

SegmentNumber ReadPins::raise_floor(SegmentNumber wanted) {
  const std::lock_guard lock(mutex_);
  if (!readers_.empty()) wanted = std::min(wanted, readers_.begin()->first);
  floor_ = std::max(floor_, wanted);
  return floor_;
}

void ReadPins::lower_floor(SegmentNumber to) {
  const std::lock_guard lock(mutex_);
  floor_ = std::min(floor_, to);
}

void ReadPins::release(SegmentNumber segment) {
  const std::lock_guard lock(mutex_);
  release_locked(segment);
}

void ReadPins::release_locked(SegmentNumber segment) {
  const auto found = readers_.find(segment);
  if (--found->second == 0) readers_.erase(found);
}

}  // namespace binrelay
