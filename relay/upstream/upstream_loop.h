#pragma once
// UpstreamLoop: keeps one log fed from one source, for ever: connect, learn who it is, plan, dump, validate, append; on
// any trouble close, wait (growing back-off), and resume by file and position with an overlap compare. Thread:  owns
// one (client library calls block), and a second for the watch connection. Owner:   Stream. Borrows the EventLog.
#include <cstdint>
#include <filesystem>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "protocol/ids.h"
#include "relay/config/relay_config.h"
#include "relay/upstream/semi_sync.h"
#include "relay/upstream/source_facts.h"
#include "storage/event_log.h"

namespace spdlog {
class logger;
}

namespace binrelay {

class RuleFollower;

struct UpstreamStatus {
  enum class State : std::uint8_t { connecting, streaming, waiting, refused, stopped };
  State state = State::connecting;
  std::string last_error;  // of the last connection that ended; "" = none
  std::uint64_t reconnects = 0;
  SemiSync::Report semi_sync;
  std::uint64_t bad_events = 0;      // damaged ones received; fetched again, none stored
  Endpoint address;                  // of the source that is connected to, or tried
  std::int64_t connected_since = 0;  // unix seconds, 0 = not connected
  std::int64_t last_received = 0;    // unix seconds of the last event or heartbeat
  std::string source_file;           // the source's own end, from the watch connection; "" = not known yet
  std::uint64_t source_position = 0;
  std::vector<BinlogFile> source_files;  // asked for once a minute
  std::string source_gtids;
};
const char* to_text(UpstreamStatus::State state);

class UpstreamLoop {
 public:
  // `on_identity`: called on the upstream thread when source() of the log has been recorded for the first time or has
  // changed. `directory`: of the stream; before an empty log is filled its free space is compared with what the source
  // has. "" = not compared. `rules`: follows what is received; nullptr: nobody asks for filter rules.
  // `at_each_look`: on the watch's thread and connection, every few seconds while the source is connected.
  UpstreamLoop(EventLog& log, SourceConfig config, std::string report_host, std::uint16_t report_port,
               std::shared_ptr<spdlog::logger> logger, std::function<void()> on_identity,
               std::filesystem::path directory = {}, RuleFollower* rules = nullptr,
               std::function<void(EventSource&)> at_each_look = {});
  ~UpstreamLoop();  // stop()
  void start();
  void stop();  // interrupts a blocking read, flushes the log, joins; waits for the connect timeout while connecting
  UpstreamStatus status() const;  // any thread

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace binrelay
