#pragma once
// Scrubber: reads the stored files again, slowly, for ever, and fetches what the disk has lost from the sources: what
// it finds itself, and what readers have found.
// Thread: owns one. Owner: Stream. Borrows the EventLog.
#include <chrono>
#include <condition_variable>
#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "relay/config/relay_config.h"
#include "relay/upstream/block_fetch.h"
#include "storage/event_log.h"

namespace spdlog {
class logger;
}

namespace binrelay {

// One of a stream's sources, over a connection of the Scrubber's own.
struct FetchSource {
  Endpoint address;
  std::unique_ptr<EventSource> connection;
};

class Scrubber {
 public:
  // `followed`: the source that most likely has what is lost; any may have it, and the digests tell what is right.
  // `bytes_per_second`: what it may read; 0: it only fetches what readers find damaged.
  Scrubber(EventLog& log, std::vector<FetchSource> sources, std::function<Endpoint()> followed,
           std::uint64_t bytes_per_second, std::shared_ptr<spdlog::logger> logger);
  ~Scrubber();  // stop()
  void start();
  void stop();

 private:
  using Clock = std::chrono::steady_clock;

  // Blocks [begin, end) of one segment, all of them damaged.
  struct Stretch {
    const Segment& segment;
    std::uint64_t begin, end;
  };
  struct Attempts {
    std::chrono::seconds pause{0};  // after the last one
    Clock::time_point next_at{};
    std::string failure;
  };
  using BlockName = std::pair<SegmentNumber, std::uint64_t>;

  void run();
  void restore_damage();
  void forget_what_is_over(const SegmentCatalog& catalog);
  std::optional<std::uint64_t> next_damaged(const Segment& segment, std::uint64_t from);
  std::uint64_t end_of_damage(const Segment& segment, std::uint64_t block);
  void tell(const Stretch& stretch);
  bool is_due(const Stretch& stretch) const;
  void restore(const Stretch& stretch);
  bool reads_well_again(const Stretch& stretch);
  Status restore_from_any(const Stretch& stretch, bool* none_has_it);
  bool is_gone(EventSource& source, const Error& error);
  Status restore_from(EventSource& source, const Stretch& stretch);
  Status restore_one_by_one(EventSource& source, const Stretch& stretch);
  void remember_failure(const Stretch& stretch, const std::string& why, bool none_has_it);
  Clock::duration scrub_one();
  bool next_block();
  bool stopping();

  EventLog& log_;
  std::vector<FetchSource> sources_;
  const std::function<Endpoint()> followed_;
  const std::uint64_t bytes_per_second_;
  const std::shared_ptr<spdlog::logger> logger_;

  // The thread's own: what it looks at next, and what it could not restore so far.
  std::shared_ptr<const Segment> segment_;
  std::uint64_t block_ = 0;
  Clock::time_point pass_began_{};
  Clock::time_point scrub_at_{};
  std::map<BlockName, Attempts> damaged_;         // told and counted
  std::map<EventSource*, std::string> gone_now_;  // not reached in this round, and why

  std::mutex mutex_;
  std::condition_variable stopped_;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace binrelay
