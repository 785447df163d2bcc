#pragma once
// TailSignal wakes the dumps that wait at the end of the log. notify() comes from storage's threads and costs one
// atomic read when nobody waits; each io_context gets at most one posted wake-up at a time, whatever the number of its
// dumps. Thread: notify() any; wait() the io thread of its dump. Owner: Stream; outlives its sessions.
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <map>
#include <memory>
#include <set>
#include <vector>

namespace binrelay {

class TailSignal {
 public:
  using Clock = std::chrono::steady_clock;

  // A dump's place in the waiting room: a timer that a wake-up cancels.
  class Waiter {
   public:
    Waiter(TailSignal& signal, boost::asio::io_context& context)
        : signal_(signal), context_(context), timer_(context) {}
    // Returns when `deadline` has passed, wake() was called, or `still_nothing` was true and the log has moved since.
    // The protocol that loses no wake-up: enter the room, then ask `still_nothing`, then sleep. True: others had the
    // thread meanwhile.
    boost::asio::awaitable<bool> wait(Clock::time_point deadline, const auto& still_nothing);
    void wake() { timer_.cancel(); }

   private:
    friend class TailSignal;
    boost::asio::awaitable<void> sleep(Clock::time_point deadline);
    TailSignal& signal_;
    boost::asio::io_context& context_;
    boost::asio::steady_timer timer_;
  };

  explicit TailSignal(const std::vector<boost::asio::io_context*>& contexts);
  void notify();

 private:
  // The waiters of one io_context; touched by its thread only, but for the two atomics.
  struct Room {
    boost::asio::io_context* context = nullptr;
    std::set<Waiter*> waiters;
    std::atomic<std::size_t> waiting{0};
    std::atomic<bool> wake_posted{false};
  };
  Room& room_of(boost::asio::io_context& context);
  void enter(Waiter& waiter);
  void leave(Waiter& waiter);

  std::vector<std::shared_ptr<Room>> rooms_;
};

boost::asio::awaitable<bool> TailSignal::Waiter::wait(Clock::time_point deadline, const auto& still_nothing) {
  signal_.enter(*this);
  const bool sleeps = still_nothing();
  if (sleeps) co_await sleep(deadline);
  signal_.leave(*this);
  co_return sleeps;
}

}  // namespace binrelay
