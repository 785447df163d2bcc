#pragma once
// ReconnectPause: how long to wait before the next attempt. Pure but for the jitter its owner gives.
#include <algorithm>
#include <chrono>
#include <string>

#include "relay/upstream/upstream_session.h"

namespace binrelay {

class ReconnectPause {
 public:
  static constexpr std::chrono::milliseconds kFirst{200}, kLongest{10'000}, kSlow{30'000}, kLog{2'000};
  static constexpr unsigned kPatience = 3;  // attempts at the same damaged place before it gets slow

  // `jitter` in [0, 1): relays that lost the same source do not come back together. `may_be_back`: another source was
  // only lost, so that a refusal by this one is no reason to wait long.
  std::chrono::milliseconds after(const SessionEnd& end, double jitter, bool may_be_back = false) {
    using Kind = SessionEnd::Kind;
    // The first contact after an outage begins anew; contact again and again without anything new does not.
    if (end.progressed || (end.streamed && !streamed_before_)) next_ = kFirst;
    streamed_before_ = end.streamed;
    same_place_ = end.kind == Kind::bad_event && end.place == bad_place_ ? same_place_ + 1 : 1;
    bad_place_ = end.kind == Kind::bad_event ? end.place : std::string();
    if (end.kind == Kind::again) return std::chrono::milliseconds(0);
    if (end.kind == Kind::log_failed) return kLog;  // the disk decides, not the source
    if ((end.kind == Kind::refused && !may_be_back) || stuck()) return kSlow;
    const auto pause = next_;
    next_ = std::min(next_ * 2, kLongest);
    return std::chrono::milliseconds(
        static_cast<std::int64_t>(static_cast<double>(pause.count()) * (0.75 + jitter / 2)));
  }
  // The same place was damaged again and again: reading it once more is not going to help.
  bool stuck() const { return !bad_place_.empty() && same_place_ >= kPatience; }

 private:
  std::chrono::milliseconds next_ = kFirst;
  std::string bad_place_;
  unsigned same_place_ = 0;
  bool streamed_before_ = false;
};

}  // namespace binrelay
