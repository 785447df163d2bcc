#pragma once
// SourceWatch asks the source now and then, on a second connection, what it has: its files, its end, its transactions,
// its settings.
// A dump alone does not show that the source's logs were reset or restored: heartbeats go on, and a file of the same
// name continues silently. Thread:  owns one. Owner:   UpstreamLoop. Borrows: the log outlives it. Callbacks run on its
// thread.
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <thread>
#include <vector>

#include "protocol/gtid/gtid_state.h"
#include "relay/upstream/event_source.h"
#include "relay/upstream/source_facts.h"
#include "storage/event_log.h"

namespace spdlog {
class logger;
}

namespace binrelay {

// What the source was seen to have.
struct SourceView {
  SourceIdentity identity;
  BinlogEnd end;
  std::optional<std::vector<BinlogFile>> files;  // nullopt: not asked this time
  GtidState executed;
  std::string gtids;  // as the source prints its position
};

// What the log had before the source was asked.
struct LogView {
  SourceIdentity source;
  std::string file;
  std::uint64_t end = 0;
  GtidState executed;
};

// Says what cannot be: a source that has less than what it has sent. nullopt: nothing of the kind.
std::optional<std::string> find_contradiction(const LogView& log, const SourceView& seen);

class SourceWatch {
 public:
  SourceWatch(EventLog& log, std::unique_ptr<EventSource> source, std::shared_ptr<spdlog::logger> logger,
              std::function<void(const SourceView&)> on_view, std::function<void(std::string)> on_contradiction,
              std::function<void(EventSource&)> at_each_look = {});
  ~SourceWatch();  // stop()
  void start();
  void stop();
  // Watches while the dump is streaming; begins at once.
  void set_active(bool active);

 private:
  void run();
  void look();
  Result<SourceView> read_view(const SourceIdentity& recorded, bool with_files);
  std::optional<std::string> still_missing(const LogView& own, const SourceView& seen);
  bool wait_for_next_look();

  EventLog& log_;
  const std::unique_ptr<EventSource> source_;
  const std::shared_ptr<spdlog::logger> logger_;
  const std::function<void(const SourceView&)> on_view_;
  const std::function<void(std::string)> on_contradiction_;
  const std::function<void(EventSource&)> at_each_look_;  // asks what else is to be asked

  // The watch thread's own.
  bool connected_ = false;
  unsigned looks_until_files_ = 0;
  // What the source lacked at the last look. It sends a transaction a moment before it counts it as executed: only what
  // is still missing the next time is really missing.
  std::optional<GtidState> missing_;
  std::string told_;  // what was missing when we last spoke up

  std::mutex mutex_;
  std::condition_variable changed_;
  bool active_ = false;
  bool look_now_ = false;
  bool reconnect_ = false;
  bool stopping_ = false;
  std::thread thread_;
};

}  // namespace binrelay
