// Reads the configuration file. The only file that knows TOML.
#include "relay/config/relay_config.h"

#include <toml++/toml.h>

#include <algorithm>
#include <cstdlib>
#include <fstream>
#include <initializer_list>
#include <limits>
#include <sstream>
#include <type_traits>
#include <utility>

#include "protocol/filter/allow_list.h"
#include "relay/config/nearest_name.h"
#include "relay/config/secret_file.h"

namespace binrelay {
namespace {

constexpr std::uintmax_t kMaxConfigFile = 1u << 20;
constexpr std::size_t kMaxStreams = 64;
constexpr std::size_t kMaxVersion = 60;
constexpr std::size_t kMaxUserName = 80;  // MariaDB's limit; MySQL's is 32
constexpr std::uint32_t kMinPeriodMs = 100, kMaxPeriodMs = 600'000;
constexpr std::uint32_t kMaxIoThreads = 64;
constexpr std::int64_t kMaxScrubRate = std::int64_t{1} << 40;
constexpr std::uint32_t kMaxConnections = 100'000, kMaxLoginSeconds = 600, kMaxSlowConsumerSeconds = 86'400;
constexpr std::uint32_t kMaxMetadataConnections = 1000, kMaxMetadataSeconds = 3600;
constexpr std::int64_t kMaxRetentionSeconds = 100LL * 366 * 86400;
constexpr std::uint16_t kSourcePort = 3306;

// What one pass over the file brings to light. With `keys` set the pass only lists the keys it would ask for.
struct Reading {
  std::filesystem::path folder;  // of the file: relative paths start there
  std::vector<ConfigProblem> problems;
  std::vector<std::string>* keys = nullptr;
};

std::size_t line_of(const toml::node& node) { return node.source().begin.line; }

// Section reads one table. What it is asked for is known; finish() reports whatever else the table holds.
// Thread: one. Borrows: the Reading and the parsed document.
class Section {
 public:
  Section(Reading& reading, const toml::table& table, std::string path)
      : reading_(reading), table_(table), path_(std::move(path)) {}

  bool has(std::string_view key) const { return table_.contains(key); }
  std::size_t line() const { return line_of(table_); }
  std::size_t line_of_key(std::string_view key) const {
    const toml::node* node = table_.get(key);
    return node ? line_of(*node) : line();
  }
  void complain(std::string_view key, std::string_view text) {
    reading_.problems.push_back({line_of_key(key), dotted(key) + ": " + std::string(text)});
  }
  void require(std::string_view key, std::string_view why) {
    if (!has(key)) complain(key, "missing; " + std::string(why));
  }

  // Each reader leaves the target's default when the key is absent or wrong. text() says whether there was one.
  bool text(std::string_view key, std::string* target) {
    const toml::node* node = want(key, toml::node_type::string, "a text in quotes");
    if (node != nullptr) *target = node->as_string()->get();
    return node != nullptr;
  }
  void path(std::string_view key, std::filesystem::path* target) {
    std::string value;
    if (!text(key, &value)) return;
    if (value.empty()) return complain(key, "must not be empty");
    *target = reading_.folder / value;
  }
  // A file that must be readable now; "" stays "".
  void file(std::string_view key, std::string* target) {
    text(key, target);
    if (target->empty()) return;
    *target = (reading_.folder / *target).string();
    if (!std::ifstream(*target).good()) complain(key, "cannot read " + *target);
  }
  void flag(std::string_view key, bool* target) {
    if (const toml::node* node = want(key, toml::node_type::boolean, "true or false"))
      *target = node->as_boolean()->get();
  }
  template <class Number>
  void number(std::string_view key, Number* target, std::int64_t least, std::int64_t most) {
    const std::string range = "a number from " + std::to_string(least) + " to " + std::to_string(most);
    const toml::node* node = want(key, toml::node_type::integer, range);
    if (node == nullptr) return;
    const std::int64_t value = node->as_integer()->get();
    if (value < least || value > most) return complain(key, std::to_string(value) + " is not " + range);
    *target = static_cast<Number>(value);
  }
  template <class Choice>
  void choice(std::string_view key, Choice* target, std::initializer_list<std::pair<const char*, Choice>> choices) {
    std::string names;
    for (const auto& [name, meaning] : choices) names += (names.empty() ? "\"" : ", \"") + std::string(name) + "\"";
    const toml::node* node = want(key, toml::node_type::string, "one of " + names);
    if (node == nullptr) return;
    const std::string& value = node->as_string()->get();
    for (const auto& [name, meaning] : choices) {
      if (value == name) {
        *target = meaning;
        return;
      }
    }
    complain(key, "\"" + value + "\" is not one of " + names);
  }
  // A list of texts that `parse` (text -> Result<T>) understands.
  template <class Target, class Parse>
  void list(std::string_view key, std::vector<Target>* target, Parse parse) {
    if (reading_.keys != nullptr) reading_.keys->push_back(dotted(key));
    const toml::node* node = want(key, toml::node_type::array, "a list of texts: [\"…\", \"…\"]");
    if (node == nullptr) return;
    for (const toml::node& element : *node->as_array()) {
      if (!element.is_string()) return complain(key, "must be a list of texts: [\"…\", \"…\"]");
      auto value = parse(std::string_view(element.as_string()->get()));
      if (!value.ok()) return complain(key, value.error().context);
      target->push_back(std::move(value).value());
    }
  }
  // A text that `parse` (text -> Result<T>) understands.
  template <class Target, class Parse>
  void parsed(std::string_view key, Target* target, Parse parse) {
    const toml::node* node = want(key, toml::node_type::string, "a text in quotes");
    if (node == nullptr) return;
    auto value = parse(std::string_view(node->as_string()->get()));
    if (!value.ok()) return complain(key, value.error().context);
    *target = std::move(value).value();
  }

  template <class Read>
  void table(std::string_view key, Read read) {
    static const toml::table nothing;
    const toml::node* node = want(key, toml::node_type::table, "a table: [" + dotted(key) + "]");
    if (node == nullptr && reading_.keys == nullptr) return;
    Section section(reading_, node ? *node->as_table() : nothing, dotted(key));
    read(section);
    section.finish();
  }
  template <class Read>
  void tables(std::string_view key, Read read) {
    static const toml::table no_table;
    static const toml::array nothing;
    const std::string shape = "an array of tables: [[" + dotted(key) + "]]";
    const toml::node* node = want(key, toml::node_type::array, shape);
    if (reading_.keys != nullptr) {
      Section section(reading_, no_table, dotted(key));
      read(section);
    }
    for (const toml::node& element : node ? *node->as_array() : nothing) {
      if (!element.is_table()) {
        complain(key, "is not " + shape);
        return;
      }
      Section section(reading_, *element.as_table(), dotted(key));
      read(section);
      section.finish();
    }
  }

  void finish() {
    for (const auto& [key, node] : table_) {
      if (std::find(known_.begin(), known_.end(), key.str()) != known_.end()) continue;
      std::string text = "unknown key '" + std::string(key.str()) + "'";
      if (!path_.empty()) text += " in [" + path_ + "]";
      if (const auto meant = nearest_name(key.str(), known_)) text += "; did you mean " + *meant + "?";
      reading_.problems.push_back({key.source().begin.line, text});
    }
  }

 private:
  std::string dotted(std::string_view key) const {
    return path_.empty() ? std::string(key) : path_ + "." + std::string(key);
  }

  const toml::node* want(std::string_view key, toml::node_type type, const std::string& shape) {
    known_.emplace_back(key);
    const bool leaf = type != toml::node_type::table && type != toml::node_type::array;
    if (reading_.keys != nullptr && leaf) reading_.keys->push_back(dotted(key));
    const toml::node* node = table_.get(key);
    if (node == nullptr || node->type() == type) return node;
    complain(key, "must be " + shape);
    return nullptr;
  }

  Reading& reading_;
  const toml::table& table_;
  std::string path_;
  std::vector<std::string> known_;
};

// From the file or the environment variable that one of two keys names.
void take_password(Section& section, const Reading& reading, const char* file_key, const char* variable_key,
                   const std::string& file, const std::string& variable, std::string* password) {
  if (section.has(file_key) == section.has(variable_key)) {
    return section.complain(file_key, "give one of " + std::string(file_key) +
                                          " (a file of mode 600 with the password) and " + variable_key);
  }
  if (section.has(variable_key)) {
    const char* value = std::getenv(variable.c_str());
    if (value == nullptr) return section.complain(variable_key, "the environment has no variable '" + variable + "'");
    *password = value;
    return;
  }
  Result<std::string> secret = read_secret_file(reading.folder / file);
  if (!secret.ok()) return section.complain(file_key, secret.error().context);
  *password = std::move(secret).value();
}

void read_password(Section& section, const Reading& reading, std::string* password) {
  std::string file, variable;
  section.text("password_file", &file);
  section.text("password_env", &variable);
  take_password(section, reading, "password_file", "password_env", file, variable, password);
}

void read_metadata_login(Section& section, const Reading& reading, std::optional<MetadataLogin>* login) {
  MetadataLogin read;
  std::string file, variable;
  section.text("metadata_user", &read.user);
  section.text("metadata_password_file", &file);
  section.text("metadata_password_env", &variable);
  if (!section.has("metadata_user")) {
    for (const char* key : {"metadata_password_file", "metadata_password_env"}) {
      if (section.has(key)) section.complain(key, "means nothing without metadata_user");
    }
    return;
  }
  if (read.user.empty())
    return section.complain("metadata_user", "must not be empty; leave it out for no pass-through");
  take_password(section, reading, "metadata_password_file", "metadata_password_env", file, variable, &read.password);
  *login = std::move(read);
}

void read_source(Section& section, const Reading& reading, SourceConfig* source) {
  section.text("host", &source->host);
  if (source->host.empty()) section.complain("host", "must not be empty");
  section.number("port", &source->port, 1, std::numeric_limits<std::uint16_t>::max());
  section.list("sources", &source->sources, [](std::string_view text) { return parse_endpoint(text, kSourcePort); });
  if (!source->sources.empty() && (section.has("host") || section.has("port")))
    section.complain("sources", "stands in place of host and port: give one or the other");
  section.text("user", &source->user);
  section.require("user", "the source account that the relay replicates with");
  if (section.has("user") && source->user.empty()) section.complain("user", "must not be empty");
  read_password(section, reading, &source->password);
  section.choice("tls", &source->tls,
                 {{"disabled", TlsMode::disabled},
                  {"preferred", TlsMode::preferred},
                  {"required", TlsMode::required},
                  {"verify-ca", TlsMode::verify_ca},
                  {"verify-identity", TlsMode::verify_identity}});
  section.file("tls_ca", &source->tls_ca);
  const bool verifies = source->tls == TlsMode::verify_ca || source->tls == TlsMode::verify_identity;
  if (verifies && source->tls_ca.empty())
    section.complain("tls_ca", "missing; the authority's PEM file that tls = \"verify-…\" checks with");
  section.parsed("start", &source->start, parse_start_place);
  section.number("server_id", &source->server_id, 0, std::numeric_limits<std::uint32_t>::max());
  section.number("heartbeat_ms", &source->heartbeat_ms, kMinPeriodMs, kMaxPeriodMs);
  section.number("connect_timeout_ms", &source->connect_timeout_ms, kMinPeriodMs, kMaxPeriodMs);
  section.flag("semi_sync", &source->semi_sync);
  section.number("semi_sync_max_sync_ms", &source->semi_sync_max_sync_ms, 1, kMaxPeriodMs);
}

Result<PasswordHash> parse_configured_hash(std::string_view text) {
  if (text.empty()) return Error{Errc::malformed, "must not be empty; `binrelay passwd` makes one"};
  Result<PasswordHash> hash = parse_password_hash(text);
  if (!hash.ok())
    return Error{Errc::malformed, "not a password hash (" + hash.error().context + "); `binrelay passwd` makes one"};
  return hash;
}

void read_view(Section& section, AccountConfig* account) {
  section.list("allow", &account->allow, [](std::string_view entry) -> Result<std::string> {
    BINRELAY_TRY(AllowList::parse({std::string(entry)}));
    return std::string(entry);
  });
  section.choice("rules_at", &account->rules_at,
                 {{"event", AccountConfig::RulesAt::event}, {"now", AccountConfig::RulesAt::now}});
  section.choice("ddl", &account->ddl,
                 {{"all", DdlView::all}, {"monitored", DdlView::monitored}, {"none", DdlView::none}});
  section.choice("statement_dml", &account->statement_dml,
                 {{"stop", StatementDml::stop}, {"pass", StatementDml::pass}, {"drop", StatementDml::drop}});
  if (account->statement_dml == StatementDml::pass && !account->allow.empty())
    section.complain("statement_dml", "\"pass\" lets out what `allow` may not: no one knows which tables it changes");
  const bool filtered = account->view == AccountConfig::View::rules || !account->allow.empty();
  for (const char* key : {"rules_at", "ddl", "statement_dml"}) {
    if (!filtered && section.has(key)) section.complain(key, "means nothing with view = \"all\" and without `allow`");
  }
}

void read_rules(Section& section, RulesConfig* rules) {
  section.file("file", &rules->file);
  section.text("database", &rules->database);
  section.text("table", &rules->table);
  if (!rules->file.empty() && (section.has("database") || section.has("table")))
    section.complain("file", "the rules come from a file or from a table of the source, not from both");
  section.choice("default_monitor", &rules->default_monitor,
                 {{"none", DefaultMonitor::none}, {"all", DefaultMonitor::all}});
}

// may_purge = true is what BINLOG_ADMIN was called before.
void read_privileges(Section& section, Privileges* privileges) {
  std::vector<Privilege> named;
  section.list("privileges", &named, parse_privilege);
  if (section.has("privileges")) *privileges = Privileges{};
  for (const Privilege privilege : named) privileges->add(privilege);
  bool may_purge = false;
  section.flag("may_purge", &may_purge);
  if (section.has("privileges") && section.has("may_purge"))
    return section.complain("may_purge", "with privileges given, BINLOG_ADMIN among them says this");
  if (may_purge) privileges->add(Privilege::binlog_admin);
}

void read_account(Section& section, const Reading& reading, std::vector<AccountConfig>* accounts) {
  AccountConfig account;
  section.text("user", &account.user);
  section.require("user", "the name a replica logs in with");
  if (section.has("user") && (account.user.empty() || account.user.size() > kMaxUserName)) {
    section.complain("user", "must have 1 to " + std::to_string(kMaxUserName) + " characters");
  }
  section.parsed("password_hash", &account.password, parse_configured_hash);
  section.require("password_hash", "`binrelay passwd` makes one");
  section.choice("view", &account.view, {{"all", AccountConfig::View::all}, {"rules", AccountConfig::View::rules}});
  section.require("view", "\"all\" for replicas, \"rules\" for consumers of the monitored tables");
  read_view(section, &account);
  section.choice(
      "replica_status", &account.replica_status,
      {{"none", AccountConfig::ReplicaStatusView::none}, {"upstream", AccountConfig::ReplicaStatusView::upstream}});
  section.flag("old_consumer", &account.old_consumer);
  section.parsed("host", &account.host, AccountHost::parse);
  read_privileges(section, &account.privileges);
  section.flag("require_tls", &account.require_tls);
  section.flag("require_client_certificate", &account.require_client_certificate);
  section.text("client_certificate_subject", &account.client_certificate_subject);
  if (!account.client_certificate_subject.empty()) account.require_client_certificate = true;
  read_metadata_login(section, reading, &account.metadata);
  for (const AccountConfig& other : *accounts) {
    if (!account.user.empty() && other.user == account.user && other.host == account.host)
      section.complain("user", "'" + account.user + "'@'" + account.host.text() + "' is given twice in this stream");
  }
  accounts->push_back(std::move(account));
}

void read_listen_tls(Section& section, ListenTlsConfig* tls) {
  section.flag("enabled", &tls->enabled);
  section.file("certificate_file", &tls->certificate_file);
  section.file("key_file", &tls->key_file);
  section.file("client_ca_file", &tls->client_ca_file);
  if (tls->certificate_file.empty() != tls->key_file.empty()) {
    section.complain(tls->key_file.empty() ? "key_file" : "certificate_file",
                     "missing; a certificate and its key come together");
  }
}

// Clients tell a server's family and age from the text.
Result<std::string> parse_version(std::string_view text) {
  const bool printable = std::all_of(text.begin(), text.end(), [](char c) { return c > ' ' && c < '\x7f'; });
  const bool begins_with_number = !text.empty() && text.front() >= '1' && text.front() <= '9';
  if (text.empty() || (printable && begins_with_number && text.size() <= kMaxVersion)) return std::string(text);
  return Error{Errc::malformed, "is to look like a server's version: 8.4.7, 10.11.14-MariaDB"};
}

Result<std::optional<Uuid>> parse_shown_uuid(std::string_view text) {
  if (text.empty()) return std::optional<Uuid>();
  BINRELAY_ASSIGN(const Uuid uuid, parse_uuid(text));
  return std::optional(uuid);
}

void read_identity(Section& section, IdentityConfig* identity) {
  section.parsed("version", &identity->version, parse_version);
  section.number("server_id", &identity->server_id, 0, std::numeric_limits<std::uint32_t>::max());
  section.parsed("server_uuid", &identity->server_uuid, parse_shown_uuid);
}

void read_limits(Section& section, LimitsConfig* limits) {
  section.number("connections", &limits->connections, 1, kMaxConnections);
  section.number("connections_per_account", &limits->connections_per_account, 1, kMaxConnections);
  section.number("logins_per_host", &limits->logins_per_host, 1, kMaxConnections);
  section.number("login_seconds", &limits->login_seconds, 1, kMaxLoginSeconds);
  section.number("slow_consumer_seconds", &limits->slow_consumer_seconds, 1, kMaxSlowConsumerSeconds);
  section.number("metadata_connections", &limits->metadata_connections, 1, kMaxMetadataConnections);
  section.number("metadata_seconds", &limits->metadata_seconds, 1, kMaxMetadataSeconds);
  section.number("metadata_rows", &limits->metadata_rows, 1, std::numeric_limits<std::uint32_t>::max());
}

void read_retention(Section& section, RetentionConfig* retention) {
  constexpr std::int64_t kMost = std::numeric_limits<std::int64_t>::max();
  section.number("expire_seconds", &retention->rules.expire_seconds, 0, kMaxRetentionSeconds);
  section.number("max_bytes", &retention->rules.max_bytes, 0, kMost);
  section.number("min_free_bytes", &retention->rules.min_free_bytes, 0, kMost);
  section.number("purge_hold_seconds", &retention->purge_hold_seconds, 0, kMaxRetentionSeconds);
}

Result<Endpoint> parse_listen(std::string_view text) { return parse_endpoint(text, 0); }

// Two listeners that cannot both be opened.
bool collide(const Endpoint& left, const Endpoint& right) {
  const auto any_address = [](const Endpoint& endpoint) { return endpoint.host == "0.0.0.0" || endpoint.host == "::"; };
  return left.port == right.port && (left.host == right.host || any_address(left) || any_address(right));
}

void read_stream(Section& section, const Reading& reading, RelayConfig* config) {
  StreamConfig stream;
  section.text("name", &stream.name);
  if (!is_safe_stream_name(stream.name)) {
    section.complain("name", "'" + stream.name + "' cannot name a folder; use A-Z a-z 0-9 _ - and . (not in front)");
  }
  section.parsed("listen", &stream.listen, parse_listen);
  section.number("scrub_bytes_per_second", &stream.scrub_bytes_per_second, 0, kMaxScrubRate);
  section.choice("serve_after", &stream.serve_after, {{"fsync", ServeAfter::fsync}, {"write", ServeAfter::write}});
  section.text("report_host", &stream.report_host);
  section.table("tls", [&](Section& tls) { read_listen_tls(tls, &stream.tls); });
  section.table("identity", [&](Section& identity) { read_identity(identity, &stream.identity); });
  section.table("limits", [&](Section& limits) { read_limits(limits, &stream.limits); });
  section.table("source", [&](Section& source) { read_source(source, reading, &stream.source); });
  section.require("source", "a table [stream.source] with host and user");
  section.table("retention", [&](Section& retention) { read_retention(retention, &stream.retention); });
  section.table("rules", [&](Section& rules) { read_rules(rules, &stream.rules); });
  section.tables("account", [&](Section& account) { read_account(account, reading, &stream.accounts); });
  for (const AccountConfig& account : stream.accounts) {
    const std::string name = "'" + account.user + "'@'" + account.host.text() + "'";
    if (account.require_client_certificate && stream.tls.client_ca_file.empty())
      section.complain("account", name + " is to show a certificate: set client_ca_file in [stream.tls]");
    if ((account.require_tls || account.require_client_certificate) && !stream.tls.enabled)
      section.complain("account", name + " is to use TLS, which [stream.tls] has switched off");
  }
  if (stream.accounts.empty())
    section.complain("account", "missing; without an account nobody can log in: add [[stream.account]]");

  for (const StreamConfig& other : config->streams) {
    if (other.name == stream.name) section.complain("name", "'" + stream.name + "' names two streams");
    if (collide(other.listen, stream.listen)) {
      section.complain("listen", to_text(stream.listen) + " is also stream '" + other.name + "'s address");
    }
  }
  if (config->admin_listen && collide(*config->admin_listen, stream.listen)) {
    section.complain("listen", to_text(stream.listen) + " is also admin.listen's address");
  }
  config->streams.push_back(std::move(stream));
}

void read_admin(Section& section, std::optional<Endpoint>* listen) {
  section.parsed("listen", listen, [](std::string_view text) -> Result<std::optional<Endpoint>> {
    if (text.empty()) return std::optional<Endpoint>();  // off
    BINRELAY_ASSIGN(Endpoint endpoint, parse_listen(text));
    return std::optional<Endpoint>(std::move(endpoint));
  });
}

void read_log(Section& section, LogConfig* log) {
  section.choice("level", &log->level, {{"debug", "debug"}, {"info", "info"}, {"warn", "warn"}, {"error", "error"}});
  section.choice("format", &log->json, {{"text", false}, {"json", true}});
}

void read_document(const toml::table& document, Reading& reading, RelayConfig* config) {
  Section root(reading, document, "");
  root.path("data_dir", &config->data_dir);
  root.number("io_threads", &config->io_threads, 0, kMaxIoThreads);
  root.table("log", [&](Section& section) { read_log(section, &config->log); });
  root.table("admin", [&](Section& section) { read_admin(section, &config->admin_listen); });
  root.tables("stream", [&](Section& section) { read_stream(section, reading, config); });
  root.finish();
  if (config->streams.empty())
    reading.problems.push_back({0, "stream: missing; the relay serves nothing without a [[stream]]"});
  if (config->streams.size() > kMaxStreams) {
    reading.problems.push_back({0, "stream: more than " + std::to_string(kMaxStreams) + " streams in one process"});
  }
}

Result<std::string> read_whole(const std::filesystem::path& file) {
  std::error_code error;
  const std::uintmax_t size = std::filesystem::file_size(file, error);
  std::ifstream in(file, std::ios::binary);
  if (error || !in) return Error{Errc::io, "cannot read " + file.string() + (error ? ": " + error.message() : "")};
  if (size > kMaxConfigFile)
    return Error{Errc::limit, file.string() + " is longer than a configuration may be (1 MiB)"};
  std::string text(size, '\0');
  in.read(text.data(), static_cast<std::streamsize>(size));
  text.resize(static_cast<std::size_t>(in.gcount()));
  return text;
}

}  // namespace

std::vector<ConfigProblem> load_config(const std::filesystem::path& file, RelayConfig* config) {
  *config = RelayConfig{};
  const Result<std::string> text = read_whole(file);
  if (!text.ok()) return {{0, text.error().context}};
  Reading reading{file.parent_path(), {}, nullptr};
  try {
    read_document(toml::parse(*text), reading, config);
  } catch (const toml::parse_error& error) {
    return {{error.source().begin.line, "not TOML: " + std::string(error.description())}};
  }
  std::stable_sort(reading.problems.begin(), reading.problems.end(),
                   [](const ConfigProblem& left, const ConfigProblem& right) { return left.line < right.line; });
  return std::move(reading.problems);
}

std::vector<Endpoint> addresses_of(const SourceConfig& source) {
  if (!source.sources.empty()) return source.sources;
  return {Endpoint{source.host, source.port}};
}

std::vector<std::string> config_keys() {
  std::vector<std::string> keys;
  Reading reading{"", {}, &keys};
  RelayConfig ignored;
  read_document(toml::table(), reading, &ignored);
  return keys;
}

}  // namespace binrelay
