#pragma once
// SemiSync decides when the relay offers the source to acknowledge its transactions, and when it takes the offer back.
// An acknowledgement means: on stable storage here. A source that waits for one must not wait for a slow disk or for a
// relay that is far behind: then the relay comes back without the offer, and offers again later.
// MySQL manual, "Semisynchronous Replication".
//
// Thread: upstream thread; report() any. Owner: UpstreamLoop.
#include <atomic>
#include <chrono>
#include <cstdint>

namespace binrelay {

class SemiSync {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::uint64_t kNearEnd = 4u << 20;  // bytes behind the source that still count as being with it
  static constexpr std::chrono::seconds kFirstPause{30}, kLongestPause{1800}, kUnknownPause{600};

  SemiSync(bool wanted, std::chrono::milliseconds max_sync) : wanted_(wanted), max_sync_(max_sync) {}

  bool wanted() const { return wanted_; }
  std::chrono::milliseconds max_sync() const { return max_sync_; }

  // A dump begins so many bytes behind the source's end. True: offer.
  bool begin_dump(std::uint64_t behind, Clock::time_point now);
  // The source took the offer, or knows nothing of it: its plugin is not loaded. Somebody may load it.
  void on_taken(bool taken, Clock::time_point now);
  // A dump without the offer has reached the source's end. True: end it and come again with the offer.
  bool should_come_again(Clock::time_point now) const;
  void on_acknowledged() { acknowledged_.fetch_add(1, std::memory_order_relaxed); }
  // Each time sooner than kLongestPause after the last doubles the pause before the next offer.
  void withdraw(Clock::time_point now);
  void end_dump() { active_ = false; }
  bool active() const { return active_; }  // a dump has the offer

  struct Report {
    bool wanted = false, active = false;
    std::uint64_t acknowledged = 0, withdrawn = 0;
  };
  Report report() const { return {wanted_, active_, acknowledged_, withdrawn_}; }

 private:
  const bool wanted_;
  const std::chrono::milliseconds max_sync_;
  Clock::time_point not_before_{};
  std::chrono::seconds pause_ = kFirstPause;
  std::atomic<bool> active_{false};
  std::atomic<std::uint64_t> acknowledged_{0}, withdrawn_{0};
};

}  // namespace binrelay
