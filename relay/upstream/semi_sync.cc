#include "relay/upstream/semi_sync.h"

#include <algorithm>

namespace binrelay {

bool SemiSync::begin_dump(std::uint64_t behind, Clock::time_point now) {
  active_ = false;
  return wanted_ && behind <= kNearEnd && now >= not_before_;
}

void SemiSync::on_taken(bool taken, Clock::time_point now) {
  active_ = taken;
  if (!taken) not_before_ = now + kUnknownPause;
}

bool SemiSync::should_come_again(Clock::time_point now) const { return wanted_ && !active_ && now >= not_before_; }

void SemiSync::withdraw(Clock::time_point now) {
  active_ = false;
  withdrawn_.fetch_add(1, std::memory_order_relaxed);
  if (now - not_before_ > kLongestPause) pause_ = kFirstPause;
  not_before_ = now + pause_;
  pause_ = std::min(pause_ * 2, kLongestPause);
}

}  // namespace binrelay
