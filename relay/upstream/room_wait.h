#pragma once
// RoomWait: how much must be free on a disk that was full before the log is given events again. Pure.
#include <algorithm>
#include <cstdint>

#include "protocol/ids.h"

namespace binrelay {

class RoomWait {
 public:
  static constexpr std::uintmax_t kFirst = 16u << 20;            // bytes
  static constexpr std::uintmax_t kMore = 1u << 20;              // than an attempt had that got nowhere
  static constexpr std::uintmax_t kForAnything = 2048ull << 20;  // no attempt has to wait for more

  // `end`: how far the log has got on stable storage. An attempt that got further used its room well, whatever
  // happened then: it says nothing of the room that the next one needs.
  std::uintmax_t wanted(LogPosition end) const {
    if (tried_with_ == 0 || end > tried_from_) return kFirst;
    return std::clamp(tried_with_ + kMore, kFirst, kForAnything);
  }
  void begin_attempt(std::uintmax_t free, LogPosition end) {
    tried_with_ = free;
    tried_from_ = end;
  }
  void forget() { tried_with_ = 0; }  // it was not for want of room

 private:
  std::uintmax_t tried_with_ = 0;  // bytes that were free when the last attempt began; 0 = none
  LogPosition tried_from_;         // where the log's end was then
};

}  // namespace binrelay
