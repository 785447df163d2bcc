#pragma once
// StoreWatch: while the source waits for acknowledgements, ends the connection when storing takes longer than commits
// may be held up. Who stores waits for the disk itself, for as long as that takes, and cannot do it.
//
// Thread: its own; begin() and end() the upstream's. Owner: UpstreamSession. Borrows the source.
#include <atomic>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <thread>

#include "relay/upstream/event_source.h"

namespace binrelay {

class StoreWatch {
 public:
  using Clock = std::chrono::steady_clock;

  StoreWatch(EventSource& source, std::chrono::milliseconds most);
  ~StoreWatch();
  StoreWatch(const StoreWatch&) = delete;
  StoreWatch& operator=(const StoreWatch&) = delete;

  // An event has come, and is stored now.
  void begin(Clock::time_point received) { began_ = received.time_since_epoch().count(); }
  void end() { began_ = kNothing; }

 private:
  static constexpr Clock::rep kNothing = 0;

  void run();

  EventSource& source_;
  const std::chrono::milliseconds most_;
  std::atomic<Clock::rep> began_{kNothing};
  std::mutex mutex_;
  std::condition_variable ended_;
  bool ending_ = false;
  std::thread thread_;  // last: starts when everything else is there
};

}  // namespace binrelay
