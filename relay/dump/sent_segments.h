#pragma once
// SentSegments: the segments of which a consumer may not have everything yet, though it has been sent. It may ask for
// them again when its connection breaks, so each is pinned until then.
//
// What counts is what the consumer's machine has acknowledged, less what may lie there unread: a receive buffer, unless
// the consumer has caught up.
// Thread: the session's io thread. Owner: DumpStream.
#include <algorithm>
#include <cstdint>
#include <deque>
#include <utility>

#include "protocol/ids.h"
#include "storage/retention/read_pins.h"

namespace binrelay {

class SentSegments {
 public:
  static constexpr std::uint64_t kUnread = 8u << 20;  // tcp(7): tcp_rmem allows 6 MiB by default

  // What is sent behind the first `sent_bytes` is of `segment`, which `pin` holds.
  void enter(SegmentNumber segment, ReadPins::Pin pin, std::uint64_t sent_bytes) {
    segments_.push_back({segment, sent_bytes, std::move(pin)});
  }
  // `caught_up`: nothing else is there to be sent.
  void acknowledged(std::uint64_t bytes, bool caught_up) {
    const std::uint64_t had = caught_up ? bytes : bytes - std::min(bytes, kUnread);
    while (more_than_one() && segments_[1].begin <= had) segments_.pop_front();
  }
  bool more_than_one() const { return segments_.size() > 1; }
  SegmentNumber oldest() const { return segments_.front().segment; }

 private:
  struct Sent {
    SegmentNumber segment;
    std::uint64_t begin;  // so much had been sent before
    ReadPins::Pin pin;
  };
  std::deque<Sent> segments_;
};

}  // namespace binrelay
