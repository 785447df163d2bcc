#pragma once
// Stream: one source, one log, one listener.
// Thread: open, start, stop from main's; report and executed from any. Owner: RelayServer.
#include <filesystem>
#include <memory>
#include <mutex>

#include "protocol/result.h"
#include "relay/commands/replica_registry.h"
#include "relay/commands/session.h"
#include "relay/config/relay_config.h"
#include "relay/dump/tail_signal.h"
#include "relay/filter/rule_follower.h"
#include "relay/filter/rule_tables_check.h"
#include "relay/login/connection_gate.h"
#include "relay/login/listener.h"
#include "relay/login/tls_context.h"
#include "relay/login/user_directory.h"
#include "relay/retention/housekeeper.h"
#include "relay/runtime/io_threads.h"
#include "relay/stream_report.h"
#include "relay/upstream/scrubber.h"
#include "relay/upstream/upstream_loop.h"
#include "storage/event_log.h"

namespace binrelay {

class Stream {
 public:
  // A log that cannot be opened for damage in its files: Errc::checksum or io, or what is lost is asked of the source
  // first, which may take long.
  enum class WhenDamaged : std::uint8_t { fail, fetch };
  // Opens the log (recovery included) and reads or makes the keys; talks to nobody else.
  static Result<std::unique_ptr<Stream>> open(const StreamConfig& config, const std::filesystem::path& data_dir,
                                              IoThreads& io, std::shared_ptr<spdlog::logger> logger,
                                              WhenDamaged when_damaged);
  ~Stream() { stop(); }
  // Listens as soon as it knows whom to impersonate: at once, or when the source has first been reached.
  Status start();
  void stop();
  // Accounts and certificates from now on; connections that are there stay as they are. Two steps, so that of several
  // streams all take what is new or none does.
  Result<std::shared_ptr<TlsContext>> open_certificates(const ListenTlsConfig& config) const;
  void replace_logins(const StreamConfig& config, std::shared_ptr<TlsContext> certificates);
  const std::string& name() const { return config_.name; }
  StreamReport report() const;
  std::string executed() const;  // GTIDs, as text

 private:
  Stream(const StreamConfig& config, const std::filesystem::path& directory, IoThreads& io,
         std::shared_ptr<spdlog::logger> logger);
  void on_identity();  // upstream thread
  Result<RuleBook> open_rules();
  std::unique_ptr<RowSource> open_for_metadata(const MetadataLogin& login) const;
  Status listen();
  std::string why_not_ready() const;
  std::shared_ptr<const SourceIdentity> as_shown(SourceIdentity identity) const;
  ReplicaStatus replica_status() const;
  void report_log(const LogEnds& ends, StreamReport* report) const;
  void report_lag(const LogEnds& ends, StreamReport* report) const;
  void report_consumers(const LogEnds& ends, StreamReport* report) const;
  std::uint64_t bytes_between(LogPosition from, LogPosition to) const;

  const StreamConfig config_;
  const std::filesystem::path directory_;
  IoThreads& io_;
  std::shared_ptr<spdlog::logger> logger_;
  TailSignal tail_;  // before the log: what the log flushes as it closes is still announced here
  std::unique_ptr<EventLog> log_;
  UserDirectory users_;
  ReplicaRegistry registry_;
  FilterCounters filter_counters_;
  std::unique_ptr<RuleHistory> rule_history_;    // nullptr: the rules come from a file, or nobody asks for them
  std::unique_ptr<RuleFollower> rule_follower_;  // beside it
  std::unique_ptr<AccountViews> views_;
  std::unique_ptr<RuleTablesCheck> rule_tables_;  // nullptr: no account asks for rules
  ConnectionGate gate_;                           // before the listener: sessions hold its tickets
  std::unique_ptr<PassThrough> pass_through_;     // and lend its connections
  std::unique_ptr<Housekeeper> housekeeper_;
  SessionContext context_;
  Listener listener_;
  std::unique_ptr<UpstreamLoop> upstream_;
  std::unique_ptr<Scrubber> scrubber_;

  mutable std::mutex mutex_;  // guards what follows
  std::shared_ptr<TlsContext> tls_;
  std::shared_ptr<const SourceIdentity> identity_;
  bool listening_ = false;
  bool stopped_ = false;
};

}  // namespace binrelay
