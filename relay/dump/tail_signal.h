#pragma once
// TailSignal tells the dumps that wait at the end of the log that there is more. notify() comes from storage's threads
// and costs one atomic read when nobody waits. A dump that waits is served where it stands, without its coroutine: by
// the very thread that moved the end while few wait, which spares them a change of threads; otherwise by its io thread,
// which gets at most one posted call at a time, whatever the number of its dumps. Thread: notify() any; wait() the io
// thread of its dump. Owner: Stream; outlives its sessions.
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/steady_timer.hpp>
#include <chrono>
#include <cstddef>
#include <functional>
#include <memory>
#include <mutex>
#include <set>
#include <vector>

namespace binrelay {

class TailSignal {
 public:
  using Clock = std::chrono::steady_clock;

  // Sends what has come, to a dump in the waiting room. False: its coroutine is to go on. Called by one thread at a
  // time; must not wait for anything.
  using ServeInPlace = std::function<bool()>;
  enum class ServedBy : std::uint8_t { nobody, io_thread, any_thread };

  // A dump's place in the waiting room: a timer that a wake-up cancels.
  class Waiter {
   public:
    Waiter(TailSignal& signal, boost::asio::io_context& context, ServeInPlace serve = nullptr)
        : signal_(signal), context_(context), timer_(context), serve_(std::move(serve)) {}
    // Returns when `deadline` has passed, wake() was called, or `still_nothing` was true and the log has moved since.
    // The protocol that loses no wake-up: enter the room, then ask `still_nothing`, then sleep. True: others had the
    // thread meanwhile. `served_by` others than nobody: from here on, and until it returns, it is served in place.
    boost::asio::awaitable<bool> wait(Clock::time_point deadline, const auto& still_nothing,
                                      ServedBy served_by = ServedBy::nobody);
    void wake() { timer_.cancel(); }

   private:
    friend class TailSignal;
    boost::asio::awaitable<void> sleep(Clock::time_point deadline);
    TailSignal& signal_;
    boost::asio::io_context& context_;
    boost::asio::steady_timer timer_;
    const ServeInPlace serve_;
    ServedBy served_by_ = ServedBy::nobody;  // under the room's mutex
  };

  explicit TailSignal(const std::vector<boost::asio::io_context*>& contexts);
  void notify();

 private:
  // So many in all are served by the thread that moved the end: more would keep it from receiving.
  static constexpr std::size_t kServedAtOnce = 4;

  // The waiters of one io_context. Whoever serves them in place holds the mutex: they leave only between.
  struct Room {
    boost::asio::io_context* context = nullptr;
    std::mutex mutex;
    std::set<Waiter*> waiters;
    std::atomic<std::size_t> waiting{0};
    std::atomic<bool> wake_posted{false};
  };
  static bool serve_at_once(Room& room);
  static void serve_or_wake(Room& room);
  Room& room_of(boost::asio::io_context& context);

  // In the waiting room as long as it lives: also a coroutine that is never resumed leaves it.
  class Stay {
   public:
    Stay(Room& room, Waiter& waiter, ServedBy served_by);
    ~Stay();
    Stay(const Stay&) = delete;
    Stay& operator=(const Stay&) = delete;

   private:
    Room& room_;
    Waiter& waiter_;
  };

  std::vector<std::shared_ptr<Room>> rooms_;
};

boost::asio::awaitable<bool> TailSignal::Waiter::wait(Clock::time_point deadline, const auto& still_nothing,
                                                      ServedBy served_by) {
  const Stay stay(signal_.room_of(context_), *this, served_by);
  const bool sleeps = still_nothing();
  if (sleeps) co_await sleep(deadline);
  co_return sleeps;
}

}  // namespace binrelay
