#pragma once
// ConnectionCounters: what has happened at a stream's door since the start. Thread: any. Owner: Stream.
#include <atomic>
#include <cstdint>

namespace binrelay {

struct ConnectionCounts {
  std::uint64_t accepted = 0;
  std::uint64_t refused_logins = 0;        // wrong password, unknown account
  std::uint64_t unfinished_logins = 0;     // left, or not done within the deadline
  std::uint64_t slow_consumers_ended = 0;  // read nothing for too long
  std::uint64_t turned_away = 0;           // a limit was reached
};

class ConnectionCounters {
 public:
  void on_accepted() { add(accepted_); }
  void on_refused_login() { add(refused_logins_); }
  void on_unfinished_login() { add(unfinished_logins_); }
  void on_slow_consumer_ended() { add(slow_consumers_ended_); }
  void on_turned_away() { add(turned_away_); }
  ConnectionCounts read() const {
    return {accepted_.load(), refused_logins_.load(), unfinished_logins_.load(), slow_consumers_ended_.load(),
            turned_away_.load()};
  }

 private:
  static void add(std::atomic<std::uint64_t>& counter) { counter.fetch_add(1, std::memory_order_relaxed); }
  std::atomic<std::uint64_t> accepted_{0}, refused_logins_{0}, unfinished_logins_{0}, slow_consumers_ended_{0},
      turned_away_{0};
};

}  // namespace binrelay
