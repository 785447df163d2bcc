#pragma once
// LatencyHistogram counts how long something took. Thread: one adds, any reads. Owner: whoever measures.
#include <algorithm>
#include <array>
#include <atomic>
#include <chrono>
#include <cstddef>
#include <cstdint>

namespace binrelay {

// Upper bounds of the buckets; what takes longer than the last falls into one more.
inline constexpr std::array<std::chrono::microseconds, 14> kLatencyBounds{
    {std::chrono::microseconds(100), std::chrono::microseconds(250), std::chrono::microseconds(500),
     std::chrono::microseconds(1'000), std::chrono::microseconds(2'500), std::chrono::microseconds(5'000),
     std::chrono::microseconds(10'000), std::chrono::microseconds(25'000), std::chrono::microseconds(50'000),
     std::chrono::microseconds(100'000), std::chrono::microseconds(250'000), std::chrono::microseconds(1'000'000),
     std::chrono::microseconds(5'000'000), std::chrono::microseconds(30'000'000)}};

struct LatencyCounts {
  std::array<std::uint64_t, kLatencyBounds.size() + 1> counts{};  // one a bucket, not running totals
  std::chrono::microseconds sum{};
};

class LatencyHistogram {
 public:
  void add(std::chrono::microseconds took) {
    const auto bucket = std::lower_bound(kLatencyBounds.begin(), kLatencyBounds.end(), took) - kLatencyBounds.begin();
    counts_[static_cast<std::size_t>(bucket)].fetch_add(1, std::memory_order_relaxed);
    sum_us_.fetch_add(static_cast<std::uint64_t>(took.count()), std::memory_order_relaxed);
  }
  LatencyCounts read() const {
    LatencyCounts read;
    for (std::size_t i = 0; i < counts_.size(); ++i) read.counts[i] = counts_[i].load(std::memory_order_relaxed);
    read.sum = std::chrono::microseconds(sum_us_.load(std::memory_order_relaxed));
    return read;
  }

 private:
  std::array<std::atomic<std::uint64_t>, kLatencyBounds.size() + 1> counts_{};
  std::atomic<std::uint64_t> sum_us_{0};
};

}  // namespace binrelay
