#pragma once
// SourceRota: which of the configured sources is tried next. A source that streamed is gone back to first: most often
// it was only restarted. One that cannot be reached, or whose files or transactions do not fit the log, is left for the
// next in the list. Pure.
#include <algorithm>
#include <cstddef>
#include <vector>

#include "relay/upstream/upstream_session.h"

namespace binrelay {

class SourceRota {
 public:
  static constexpr unsigned kAttempts = 2;  // at a source that cannot be reached, before it is left

  explicit SourceRota(std::size_t sources) : sources_(sources), lost_(sources) {}
  std::size_t current() const { return current_; }

  // A session with the current source has ended. True: another one is current now, and has not been tried since the
  // last one that streamed: there is no reason to wait.
  bool after(const SessionEnd& end) {
    using Kind = SessionEnd::Kind;
    if (end.streamed) {
      attempts_ = 0;
      tried_ = 0;
    }
    lost_[current_] = end.kind == Kind::lost;
    const bool unreachable = end.kind == Kind::lost && !end.streamed && ++attempts_ >= kAttempts;
    if (sources_ < 2 || !(unreachable || end.kind == Kind::refused)) return false;
    attempts_ = 0;
    current_ = (current_ + 1) % sources_;
    tried_ = (tried_ + 1) % sources_;
    return tried_ != 0;
  }

  // Some source could not be reached when it was tried last: it may be back at any moment.
  bool one_is_lost() const { return std::find(lost_.begin(), lost_.end(), true) != lost_.end(); }

 private:
  std::size_t sources_;
  std::vector<bool> lost_;  // by source: how its last session ended
  std::size_t current_ = 0;
  unsigned attempts_ = 0;
  std::size_t tried_ = 0;  // left since the last that streamed, up to a whole round
};

}  // namespace binrelay
