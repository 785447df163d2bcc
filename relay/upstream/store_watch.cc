#include "relay/upstream/store_watch.h"

#include <algorithm>

namespace binrelay {

namespace {

constexpr int kLooks = 4;  // within the time that is allowed

}  // namespace

StoreWatch::StoreWatch(EventSource& source, std::chrono::milliseconds most)
    : source_(source), most_(most), thread_([this] { run(); }) {}

StoreWatch::~StoreWatch() {
  {
    const std::lock_guard lock(mutex_);
    ending_ = true;
  }
  ended_.notify_one();
  thread_.join();
}

void StoreWatch::run() {
  const auto pause = std::max<std::chrono::milliseconds>(most_ / kLooks, std::chrono::milliseconds(1));
  Clock::rep interrupted = kNothing;
  std::unique_lock lock(mutex_);
  while (!ended_.wait_for(lock, pause, [this] { return ending_; })) {
    const Clock::rep began = began_;
    if (began == kNothing || began == interrupted) continue;
    if (Clock::now() - Clock::time_point(Clock::duration(began)) <= most_) continue;
    interrupted = began;
    source_.interrupt();
  }
}

}  // namespace binrelay
