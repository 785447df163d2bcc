#pragma once
// StreamReport: what a stream says about itself at one moment. `binrelay status` shows it as JSON, /metrics as samples,
// /readyz its `not_ready`.
#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "relay/commands/replica_registry.h"
#include "relay/config/relay_config.h"
#include "relay/filter/filter_counters.h"
#include "relay/filter/rule_tables_check.h"
#include "relay/login/connection_counters.h"
#include "relay/retention/retention_report.h"
#include "relay/upstream/upstream_loop.h"
#include "storage/event_log.h"
#include "storage/source_identity.h"

namespace binrelay {

// A position as consumers name it.
struct ServedPosition {
  std::string file;  // "": nothing stored yet
  std::uint64_t offset = 0;
  // The number in the file's name: binlog.000012 has 12.
  std::uint64_t file_number() const;
};

struct ConsumerReport {
  ConnectionEntry connection;
  // The rest is a dump's.
  bool dumps = false;
  ServedPosition at;
  std::uint64_t lag_bytes = 0;               // behind what is visible
  std::optional<std::uint64_t> lag_seconds;  // since its last event happened on the source; 0 at the visible end
  std::uint64_t sent_bytes = 0;
  std::int64_t last_progress = 0;  // unix seconds: it took something
};

struct StreamReport {
  std::string name;
  Endpoint listen, source_address;
  UpstreamStatus upstream;
  std::shared_ptr<const SourceIdentity> source;  // null: never reached
  std::string not_ready;                         // "": the log is open and consumers can connect

  ServedPosition written, durable, visible;
  std::string oldest_file;
  std::uint64_t segments = 0, generation = 0, log_bytes = 0;
  EventLog::Counters counters;
  LatencyCounts sync_times;
  std::string log_failure;                              // "": it takes events
  std::optional<std::uint64_t> lag_bytes, lag_seconds;  // behind the source; nullopt: not known now

  std::vector<ConsumerReport> consumers;
  ConnectionCounts connections;
  std::optional<std::uint64_t> disk_free, disk_total;
  RetentionReport retention;
  std::map<std::uint64_t, RuleCount> rules;  // by the filter rule's id; 0: tables that no rule names
  RuleCount other_rules;                     // beyond kCountedRules
  std::vector<UnseenRule> unseen_rules;      // of tables that the source does not show
  std::string rules_note;                    // what is to be said about the rules; "" = nothing
};

}  // namespace binrelay
