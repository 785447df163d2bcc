#pragma once
// UpstreamSession: one connection to the source from its beginning to its end: connect, learn who it is, plan, dump
// into the log. Thread:  upstream thread. Owner:   UpstreamLoop, one for each attempt. Borrows: everything it is given.
#include <atomic>
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "relay/config/relay_config.h"
#include "relay/upstream/event_source.h"
#include "relay/upstream/ingest.h"
#include "relay/upstream/semi_sync.h"
#include "relay/upstream/store_watch.h"
#include "relay/upstream/upstream_plan.h"

namespace binrelay {

// What an attempt needs beside log and source; the same for all attempts of a loop.
struct UpstreamSettings {
  SourceConfig source;
  std::string report_host;
  std::uint16_t report_port = 0;
  RuleFollower* rules = nullptr;         // nullptr: nobody asks for filter rules
  std::filesystem::path data_directory;  // free space is measured there; "" = not checked
};

// Told by a session while it runs, on the upstream thread.
class SessionObserver {
 public:
  virtual void on_identity_recorded() = 0;
  virtual void on_streaming() = 0;
  virtual void on_received() = 0;  // any event, heartbeats included
  // The source's settings have changed since they were recorded; asked after every event. nullopt: not since then.
  virtual std::optional<SourceIdentity> changed_identity() = 0;
  virtual bool stopping() const = 0;

 protected:
  ~SessionObserver() = default;
};

struct SessionEnd {
  enum class Kind : std::uint8_t {
    lost,        // come back soon
    refused,     // somebody has to act: come back slowly
    bad_event,   // something damaged was received at `place`: fetch it again
    again,       // on purpose: come back at once
    cut_short,   // the source cannot send file `place` to its end
    log_failed,  // the log takes no more
  };
  Kind kind = Kind::lost;
  std::string reason;
  std::string place{};
  bool streamed = false;    // the source sent events
  bool progressed = false;  // something new was stored
  bool no_space = false;    // log_failed because the disk is full
};

class UpstreamSession {
 public:
  // `address`: of the source, for messages.
  UpstreamSession(EventLog& log, EventSource& source, const UpstreamSettings& settings, Endpoint address,
                  SessionObserver& observer, SemiSync& semi_sync, spdlog::logger& logger);

  // `cut_short`: a file known to end inside an event on the source; "" = none.
  SessionEnd run(const std::string& cut_short);

 private:
  using Clock = std::chrono::steady_clock;

  Status stream(const std::string& cut_short);
  Status open_connection();
  Status prepare();
  Result<DumpFrom> choose_place(const std::string& cut_short);
  Status record_identity();
  Status follow_settings();
  Status start_dump(const DumpFrom& from);
  void offer_semi_sync(const DumpFrom& from);
  Status receive(Ingest& ingest);  // never ok
  Status receive_run(Ingest& ingest);
  Status acknowledge(const Ingest& ingest, bool more_at_hand, Clock::time_point received);
  Status take_offer_back(Clock::duration took, const char* what);
  Status come_again(std::string why);
  Result<std::string> file_behind(const GtidState& held);
  Result<PlanInput> plan_input(const std::string& cut_short);
  GtidState executed() const;
  SeriesBegin next_series(GtidState skip, std::optional<SeriesBegin::NewHistory> history) const;
  Status tell_of_series(const std::string& first_file);
  DumpStart dump_start(const DumpFrom& from) const;
  void announce(const DumpFrom& from) const;
  ServerId server_id() const;
  SessionEnd end_of(const Error& error) const;

  EventLog& log_;
  EventSource& source_;
  const UpstreamSettings& settings_;
  const Endpoint address_;
  SessionObserver& observer_;
  SemiSync& semi_sync_;
  spdlog::logger& logger_;
  SourceFacts facts_;
  std::optional<SwitchOrder> order_;
  std::optional<SeriesBegin> series_;  // begins with this session's first file
  std::string cut_short_file_;
  std::string bad_place_;                  // of the next event when the dump ended
  bool bad_in_stored_ = false;             // the log already holds that place
  bool offered_ = false;                   // this dump may be acknowledged
  std::optional<StoreWatch> store_watch_;  // then
  std::uint64_t behind_ = 0;               // bytes the source had before the dump and has not sent yet
  std::optional<std::pair<std::string, std::uint64_t>> ack_due_;  // file and position on the source
  Clock::time_point ack_due_since_{};
  std::string again_;  // why this session ends on purpose
  bool streamed_ = false;
  bool progressed_ = false;
};

}  // namespace binrelay
