#pragma once
// SourceRota: which of the configured sources is tried next. A source that streamed is gone back to first: most often
// it was only restarted. One that cannot be reached, or whose files or transactions do not fit the log, is left for the
// next in the list. Pure.
#include <cstddef>

#include "relay/upstream/upstream_session.h"

namespace binrelay {

class SourceRota {
 public:
  static constexpr unsigned kAttempts = 2;  // at a source that cannot be reached, before it is left

  explicit SourceRota(std::size_t sources) : sources_(sources) {}
  std::size_t current() const { return current_; }

  // A session with the current source has ended. True: another one is current now, and has not been tried since the
  // last one that streamed: there is no reason to wait.
  bool after(const SessionEnd& end) {
    using Kind = SessionEnd::Kind;
    if (end.streamed) {
      attempts_ = 0;
      tried_ = 0;
    }
    const bool unreachable = end.kind == Kind::lost && !end.streamed && ++attempts_ >= kAttempts;
    if (sources_ < 2 || !(unreachable || end.kind == Kind::refused)) return false;
    attempts_ = 0;
    current_ = (current_ + 1) % sources_;
    tried_ = (tried_ + 1) % sources_;
    return tried_ != 0;
  }

 private:
  std::size_t sources_;
  std::size_t current_ = 0;
  unsigned attempts_ = 0;
  std::size_t tried_ = 0;  // left since the last that streamed, up to a whole round
};

}  // namespace binrelay
