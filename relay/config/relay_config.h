#pragma once
// RelayConfig: what conf/binrelay.toml says, checked. Every key has its default here; conf/binrelay.toml lists them all
// (a test compares).
#include <chrono>
#include <cstdint>
#include <filesystem>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/auth/passwords.h"
#include "protocol/filter/filter_rules.h"
#include "protocol/filter/view_rules.h"
#include "protocol/gtid/uuid.h"
#include "protocol/ids.h"
#include "protocol/result.h"
#include "relay/config/account_host.h"
#include "relay/config/privileges.h"
#include "storage/retention/retention_policy.h"
#include "storage/storage_options.h"

namespace binrelay {

struct Endpoint {
  std::string host;
  std::uint16_t port = 0;
};

enum class TlsMode : std::uint8_t { disabled, preferred, required, verify_ca, verify_identity };

// Where a log that holds nothing yet begins.
struct StartOldest {};
struct StartNow {};
struct StartGtid {
  std::string set;
};  // MySQL: a GTID set the log is to begin behind; MariaDB: a position "0-1-5,1-2-7"
struct StartFile {
  std::string name;
  std::uint64_t position = 4;
};
struct StartTime {
  std::chrono::sys_seconds time;
};
using StartPlace = std::variant<StartOldest, StartNow, StartGtid, StartFile, StartTime>;

struct SourceConfig {
  std::string host = "127.0.0.1";
  std::uint16_t port = 3306;
  std::vector<Endpoint> sources;  // in place of host and port: tried in this order; one history, one account
  std::string user;
  std::string password;  // resolved from password_file / password_env; never logged
  TlsMode tls = TlsMode::preferred;
  std::string tls_ca;  // PEM file
  StartPlace start = StartOldest{};
  ServerId server_id{};               // 0: chosen at creation and remembered in the journal
  std::uint32_t heartbeat_ms = 5000;  // asked of the source; after three silent periods the connection is dropped
  std::uint32_t connect_timeout_ms = 10000;
  bool semi_sync = false;                      // acknowledge transactions that are on stable storage
  std::uint32_t semi_sync_max_sync_ms = 1000;  // the source waits no longer for this disk: the offer is taken back
};

// Where the source may be: never empty.
std::vector<Endpoint> addresses_of(const SourceConfig& source);

// The source's account that asks for table definitions in the name of one of ours.
struct MetadataLogin {
  std::string user;
  std::string password;  // never logged
};

struct AccountConfig {
  enum class View : std::uint8_t { all, rules };
  enum class RulesAt : std::uint8_t { event, now };
  enum class ReplicaStatusView : std::uint8_t { none, upstream };
  std::string user;
  PasswordHash password;
  View view = View::all;             // every account of a file says it
  std::vector<std::string> allow{};  // "db.table" with patterns; empty: no bounds. Of dumps and of pass-through
  // With View::rules or `allow`:
  RulesAt rules_at = RulesAt::event;
  DdlView ddl = DdlView::all;
  StatementDml statement_dml = StatementDml::stop;
  AccountHost host{};  // several accounts may have the same user; the narrowest host that fits counts
  Privileges privileges = kReplicaPrivileges;
  bool require_tls = false;
  // A certificate that stream.tls.client_ca_file vouches for; with a subject it must be this one's.
  bool require_client_certificate = false;
  std::string client_certificate_subject{};  // as MySQL writes it: /O=shop/CN=replica1
  std::optional<MetadataLogin> metadata{};   // nullopt: no statement of this account reaches the source

  ReplicaStatusView replica_status = ReplicaStatusView::none;
  bool old_consumer = false;  // it cannot read compressed transactions, nor heartbeats newer than version 1

  bool filtered() const { return view != View::all || !allow.empty(); }
};

// Where the filter's rules come from.
struct RulesConfig {
  std::string file;                                                        // "" = from the source's table
  std::string database = "baker_sys_canal", table = "baker_canal_config";  // the table
  DefaultMonitor default_monitor = DefaultMonitor::none;
};

// Whom consumers see in place of the source; what is empty or 0 is the source's own.
struct IdentityConfig {
  std::string version;
  ServerId server_id{};
  std::optional<Uuid> server_uuid;
};

struct ListenTlsConfig {
  bool enabled = true;
  std::string certificate_file, key_file;  // "" = made at first start in the data directory
  std::string client_ca_file;              // whose certificates of clients count; "" = none do
};

// What one stream bears from its consumers, however many or hostile they are.
struct LimitsConfig {
  std::uint32_t connections = 5000;
  std::uint32_t connections_per_account = 1000;
  std::uint32_t logins_per_host = 100;        // of one host, not logged in yet
  std::uint32_t login_seconds = 10;           // a login takes no longer
  std::uint32_t slow_consumer_seconds = 600;  // a consumer that takes nothing for so long while data waits is ended
  // Of statements about table definitions, which the source answers:
  std::uint32_t metadata_connections = 16;  // answered at a time
  std::uint32_t metadata_seconds = 30;      // for one, at the source
  std::uint32_t metadata_rows = 1'000'000;  // of one answer
};

struct RetentionConfig {
  RetentionRules rules;
  // A consumer that names itself and is gone holds back what it has not been sent for so long.
  std::uint64_t purge_hold_seconds = 86400;
};

struct StreamConfig {
  std::string name = "main";
  Endpoint listen{"127.0.0.1", 3307};
  ListenTlsConfig tls;
  IdentityConfig identity;
  LimitsConfig limits;
  ServeAfter serve_after = ServeAfter::fsync;
  std::uint64_t scrub_bytes_per_second = 4u << 20;  // stored files are read again at this rate; 0 = never
  SourceConfig source;
  std::vector<AccountConfig> accounts;
  RetentionConfig retention;
  RulesConfig rules;
  std::string report_host;  // how the relay shows itself in the source's SHOW REPLICAS; "" = host name
};

struct LogConfig {
  std::string level = "info";
  bool json = false;
};

struct RelayConfig {
  std::filesystem::path data_dir = "/var/lib/binrelay";
  LogConfig log;
  std::optional<Endpoint> admin_listen = Endpoint{"127.0.0.1", 9380};
  std::uint32_t io_threads = 0;  // 0: one per core, at most 8
  std::vector<StreamConfig> streams;
};

struct ConfigProblem {
  std::size_t line = 0;  // 0: of no single line
  std::string text;      // names the key, what is wrong, what would be right
};
// Every problem at once; empty = `config` is complete.
std::vector<ConfigProblem> load_config(const std::filesystem::path& file, RelayConfig* config);

// Every key the file may hold, dotted: "stream.source.heartbeat_ms".
std::vector<std::string> config_keys();

// The forms of `start`: oldest | now | gtid:SET | file:NAME:POS | time:2026-11-22T10:00:00Z
Result<StartPlace> parse_start_place(std::string_view text);
// host:port, [v6]:port; without a port `default_port`, which 0 makes an error.
Result<Endpoint> parse_endpoint(std::string_view text, std::uint16_t default_port);
std::string to_text(const Endpoint& endpoint);
// 2026-11-22T10:00:00Z, also with an offset: 2026-11-22T18:00:00+08:00
Result<std::chrono::sys_seconds> parse_time(std::string_view text);
// A stream's name is a folder's name: 1 to 64 of A-Z a-z 0-9 _ - . and no dot in front.
bool is_safe_stream_name(std::string_view name);

}  // namespace binrelay
