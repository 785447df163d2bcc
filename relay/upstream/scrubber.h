#pragma once
// Scrubber: reads the stored files again, slowly, for ever, and fetches what the disk has lost from the source: what
// it finds itself, and what readers have found.
// Thread: owns one. Owner: Stream. Borrows the EventLog.
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <memory>
#include <mutex>
#include <string>
#include <thread>

#include "relay/upstream/block_fetch.h"
#include "storage/event_log.h"

namespace spdlog {
class logger;
}

namespace binrelay {

class Scrubber {
 public:
  // `bytes_per_second`: what it may read; 0: it only fetches what readers find damaged.
  Scrubber(EventLog& log, std::unique_ptr<EventSource> source, std::uint64_t bytes_per_second,
           std::shared_ptr<spdlog::logger> logger);
  ~Scrubber();  // stop()
  void start();
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  enum class Restoring : std::uint8_t { nothing_to_do, restored, failed };

  void run();
  Restoring restore_one();
  std::uint64_t first_damaged_up_to(const Segment& segment, std::uint64_t block);
  std::uint64_t end_of_damage(const Segment& segment, std::uint64_t block);
  Status restore(const Segment& segment, std::uint64_t block, std::uint64_t end);
  Clock::duration scrub_one();
  bool next_block();

  EventLog& log_;
  const std::unique_ptr<EventSource> source_;
  const std::uint64_t bytes_per_second_;
  const std::shared_ptr<spdlog::logger> logger_;

  // The thread's own: what it looks at next, and what it could not restore last.
  std::shared_ptr<const Segment> segment_;
  std::uint64_t block_ = 0;
  Clock::time_point pass_began_{};
  Clock::time_point scrub_at_{};
  Clock::time_point restore_at_{};
  std::string told_;    // the damage told last, until it is restored
  std::string failed_;  // why the last restore failed

  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace binrelay
