#pragma once
// Housekeeper: removes old files of one stream: every second by the configured rules, and when a PURGE statement says
// so; starts a failed index again. It remembers how far consumers that have gone away had come, and keeps what they
// need for a while. Thread: owns one; purge() and status() from any. Owner: Stream. Borrows log and registry.
#include <atomic>
#include <condition_variable>
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <set>
#include <string>
#include <thread>

#include "relay/commands/replica_registry.h"
#include "relay/config/relay_config.h"
#include "relay/retention/consumer_memory.h"
#include "relay/retention/retention_report.h"
#include "storage/event_log.h"

namespace spdlog {
class logger;
}

namespace binrelay {

// What a PURGE statement did.
struct PurgeReply {
  PurgeOutcome outcome;
  std::optional<RememberedConsumer> needed_by;  // it held the rest back
};

class Housekeeper {
 public:
  // Time and disk, which a test makes up.
  struct World {
    std::function<std::int64_t()> now;                         // unix seconds
    std::function<std::optional<std::uint64_t>()> free_bytes;  // nullopt: unknown
  };
  static World real_world(const std::filesystem::path& directory);

  Housekeeper(EventLog& log, ReplicaRegistry& registry, const RetentionConfig& config, std::filesystem::path directory,
              std::shared_ptr<spdlog::logger> logger, World world);
  ~Housekeeper() { stop(); }

  void start();
  void stop();  // joins, and writes down whom it remembers
  void tick();  // one look at everything: what the thread does every second
  // The thread looks now: somebody has come who is to be remembered, also if the relay is killed within the second.
  // Never waits.
  void look_soon();

  // PURGE BINARY LOGS: the files before `keep_from`, as far as nobody needs them.
  Result<PurgeReply> purge(SegmentNumber keep_from, const std::string& who);
  RetentionReport report() const;

 private:
  void run();
  void mend_index(std::int64_t now);
  void remember_consumers(std::int64_t now);
  void apply_rules(std::int64_t now);
  // Returns what stands in the way.
  std::set<std::string> purge_by_rule(const RetentionDecision& decision, const SegmentCatalog& before);
  void log_purge(const PurgeOutcome& outcome, const std::string& why);
  void save(std::int64_t now, bool at_once);
  std::string rule_text(RetentionRule rule) const;

  EventLog& log_;
  ReplicaRegistry& registry_;
  const RetentionConfig config_;
  const std::filesystem::path directory_;
  const std::shared_ptr<spdlog::logger> logger_;
  const World world_;

  mutable std::mutex mutex_;  // guards what follows
  std::condition_variable wake_;
  bool stopping_ = false;
  ConsumerMemory memory_;
  std::string saved_;
  std::set<std::string> told_;  // what stood in the way a second ago
  std::int64_t saved_at_ = 0;
  std::int64_t index_tried_at_ = 0;
  RetentionReport report_;            // what is counted
  std::atomic<bool> wanted_ = false;  // a look before the second is over
  std::thread thread_;
};

}  // namespace binrelay
