#include "relay/stream.h"

#include <spdlog/logger.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <thread>

#include "protocol/sql/sql_tokens.h"
#include "relay/commands/replica_status.h"
#include "relay/commands/served_gtids.h"
#include "relay/filter/rule_file.h"
#include "relay/upstream/block_fetch.h"
#include "relay/upstream/mysql_source.h"
#include "storage/file/file_names.h"

namespace binrelay {

namespace {

constexpr auto kSessionEndTime = std::chrono::seconds(5);

std::vector<boost::asio::io_context*> contexts_of(IoThreads& io) {
  std::vector<boost::asio::io_context*> contexts;
  for (std::size_t i = 0; i < io.size(); ++i) contexts.push_back(&io.at(i));
  return contexts;
}

std::string own_host_name() {
  char name[256] = "";
  ::gethostname(name, sizeof name - 1);
  return name;
}

ServedPosition served_position(const SegmentCatalog& catalog, LogPosition position) {
  const auto segment = catalog.find(position.segment);
  return {segment ? segment->served_name : "", position.offset};
}

// Damaged heads hide a damaged tail.
constexpr int kOpenAttempts = 3;

// Clocks of different machines: the past may lie ahead.
std::uint64_t seconds_since(std::uint32_t time) {
  return static_cast<std::uint64_t>(std::max<std::int64_t>(0, std::time(nullptr) - std::int64_t{time}));
}

// From the first of the sources that has it.
Status fetch_damage(const StorageOptions& options, const SourceConfig& source, const DamageAtOpen& damage) {
  std::string why;
  for (const Endpoint& address : addresses_of(source)) {
    MysqlSource connection(source, [&] { return address; });
    const Status restored = restore_damage(options, damage, connection);
    if (restored.ok()) return Done{};
    why += "; " + to_text(address) + ": " + restored.error().context;
  }
  return Error{Errc::checksum,
               "it cannot be fetched from the source" + why +
                   "; put a whole copy of the file there, or, if it is not the last, give it up with all before it: "
                   "`binrelay purge --to` the file behind it"};
}

std::vector<FetchSource> fetch_sources(const SourceConfig& source) {
  std::vector<FetchSource> sources;
  for (const Endpoint& address : addresses_of(source))
    sources.push_back({address, std::make_unique<MysqlSource>(source, [address] { return address; })});
  return sources;
}

// With more than one attempt a log that cannot be opened for damage in its files is, when the source still has them.
Result<std::unique_ptr<EventLog>> open_log(const StorageOptions& options, const SourceConfig& source,
                                           spdlog::logger& logger, RecoveryReport* report, int attempts) {
  auto opened = EventLog::open(options, report);
  for (int attempt = 1; attempt < attempts && !opened.ok() && opened.error().code == Errc::checksum; ++attempt) {
    const std::string problem = opened.error().context;
    const auto damage = find_damage_at_open(options);
    if (!damage.ok()) break;  // it is the journal, or worse
    if (const Status fetched = fetch_damage(options, source, *damage); !fetched.ok())
      return Error{Errc::checksum, problem + "; " + fetched.error().context};
    logger.warn("{}; restored, as far as opening it needs", problem);
    *report = {};
    opened = EventLog::open(options, report);
  }
  return opened;
}

bool asks_for_rules(const StreamConfig& config) {
  return std::any_of(config.accounts.begin(), config.accounts.end(),
                     [](const AccountConfig& account) { return account.view == AccountConfig::View::rules; });
}

}  // namespace

Stream::Stream(const StreamConfig& config, const std::filesystem::path& directory, IoThreads& io,
               std::shared_ptr<spdlog::logger> logger)
    : config_(config),
      directory_(directory),
      io_(io),
      logger_(std::move(logger)),
      tail_(contexts_of(io)),
      users_(config.accounts),
      gate_(config.limits),
      listener_(io, context_) {}

Result<RuleBook> Stream::open_rules() {
  const RulesConfig& config = config_.rules;
  auto names_fold = [source = context_.source] {
    const auto identity = source();
    return identity ? identity->lower_case_table_names : 0;
  };
  if (!config.file.empty()) {
    BINRELAY_ASSIGN(std::vector<FilterRule> rules, read_rule_file(config.file));
    return fixed_rules(std::move(rules), config.default_monitor, std::move(names_fold));
  }
  if (!asks_for_rules(config_)) return no_rules();
  rule_history_ = std::make_unique<RuleHistory>(config.default_monitor, std::move(names_fold));
  rule_follower_ =
      std::make_unique<RuleFollower>(RuleTableName{config.database, config.table}, *log_, *rule_history_, logger_);
  BINRELAY_TRY(rule_follower_->restore());
  const RuleHistory* history = rule_history_.get();
  return RuleBook{[history](LogPosition place) { return history->at(place); }, [history] { return history->newest(); }};
}

Result<std::unique_ptr<Stream>> Stream::open(const StreamConfig& config, const std::filesystem::path& data_dir,
                                             IoThreads& io, std::shared_ptr<spdlog::logger> logger,
                                             WhenDamaged when_damaged) {
  std::unique_ptr<Stream> stream(new Stream(config, data_dir / config.name, io, logger->clone(config.name)));
  StorageOptions options;
  options.directory = stream->directory_;
  options.serve_after = config.serve_after;
  RecoveryReport report;
  BINRELAY_ASSIGN(stream->log_, open_log(options, config.source, *stream->logger_, &report,
                                         when_damaged == WhenDamaged::fetch ? kOpenAttempts : 1));
  for (const auto& note : report.notes) stream->logger_->warn("recovery: {}", note);
  BINRELAY_ASSIGN(stream->tls_, stream->open_certificates(config.tls));

  stream->housekeeper_ =
      std::make_unique<Housekeeper>(*stream->log_, stream->registry_, config.retention, stream->directory_,
                                    stream->logger_, Housekeeper::real_world(stream->directory_));

  auto& context = stream->context_;
  context.log = stream->log_.get();
  context.registry = &stream->registry_;
  context.users = &stream->users_;
  context.tls = [self = stream.get()] {
    const std::lock_guard lock(self->mutex_);
    return self->tls_;
  };
  context.tail = &stream->tail_;
  context.gate = &stream->gate_;
  context.readers = &io.readers();
  context.logger = stream->logger_;
  context.source = [self = stream.get()] {
    const std::lock_guard lock(self->mutex_);
    return self->identity_;
  };
  context.started_at = std::time(nullptr);
  context.housekeeper = stream->housekeeper_.get();
  context.upstream = [self = stream.get()] { return self->replica_status(); };
  BINRELAY_ASSIGN(RuleBook rules, stream->open_rules());
  if (asks_for_rules(config)) stream->rule_tables_ = std::make_unique<RuleTablesCheck>(rules.latest, stream->logger_);
  stream->views_ = std::make_unique<AccountViews>(std::move(rules), stream->filter_counters_);
  context.views = stream->views_.get();

  stream->pass_through_ = std::make_unique<PassThrough>(
      config.limits, [self = stream.get()](const MetadataLogin& login) { return self->open_for_metadata(login); },
      stream->logger_);
  context.pass_through = stream->pass_through_.get();
  context.askers = &io.askers();

  stream->log_->on_visible([self = stream.get()] { self->tail_.notify(); });
  const std::string report_host = config.report_host.empty() ? own_host_name() : config.report_host;
  stream->upstream_ = std::make_unique<UpstreamLoop>(
      *stream->log_, config.source, report_host, config.listen.port, stream->logger_,
      [self = stream.get()] { self->on_identity(); }, stream->directory_, stream->rule_follower_.get(),
      [check = stream->rule_tables_.get()](EventSource& source) {
        if (check != nullptr) check->look(source);
      });
  stream->scrubber_ = std::make_unique<Scrubber>(
      *stream->log_, fetch_sources(config.source), [self = stream.get()] { return self->upstream_->status().address; },
      config.scrub_bytes_per_second, stream->logger_);
  return stream;
}

// To the source that is followed, as the relay itself connects to it.
std::unique_ptr<RowSource> Stream::open_for_metadata(const MetadataLogin& login) const {
  SourceConfig source = config_.source;
  source.user = login.user;
  source.password = login.password;
  source.heartbeat_ms = config_.limits.metadata_seconds * 1000 / 3 + 1;  // the library waits for three of them
  return std::make_unique<MysqlSource>(source, [this] { return upstream_->status().address; });
}

Result<std::shared_ptr<TlsContext>> Stream::open_certificates(const ListenTlsConfig& config) const {
  BINRELAY_ASSIGN(std::shared_ptr<TlsContext> opened, TlsContext::open(config, directory_.parent_path() / "tls"));
  return opened;
}

void Stream::replace_logins(const StreamConfig& config, std::shared_ptr<TlsContext> certificates) {
  users_.replace(config.accounts);
  const std::lock_guard lock(mutex_);
  tls_ = std::move(certificates);
}

Status Stream::start() {
  if (auto identity = log_->source()) {
    {
      const std::lock_guard lock(mutex_);
      identity_ = as_shown(std::move(*identity));
    }
    BINRELAY_TRY(listen());
  } else {
    logger_->info("begins to listen on {}:{} when the source has been reached for the first time", config_.listen.host,
                  config_.listen.port);
  }
  upstream_->start();
  housekeeper_->start();
  scrubber_->start();
  return Done{};
}

std::shared_ptr<const SourceIdentity> Stream::as_shown(SourceIdentity identity) const {
  const IdentityConfig& shown = config_.identity;
  const bool mariadb = to_upper(shown.version).find("MARIADB") != std::string::npos;
  if (!shown.version.empty() && mariadb != (identity.flavour == Flavour::mariadb)) {
    logger_->error("stream.identity.version '{}' is not of the source's family; {} is shown", shown.version,
                   identity.version);
  } else if (!shown.version.empty()) {
    identity.version = shown.version;
  }
  if (shown.server_id != ServerId{0}) identity.server_id = shown.server_id;
  if (shown.server_uuid) identity.server_uuid = *shown.server_uuid;
  return std::make_shared<const SourceIdentity>(std::move(identity));
}

void Stream::on_identity() {
  auto identity = log_->source();
  if (!identity) return;
  {
    const std::lock_guard lock(mutex_);
    identity_ = as_shown(std::move(*identity));
  }
  if (const Status listening = listen(); !listening) logger_->error("{}", listening.error().context);
}

Status Stream::listen() {
  {
    const std::lock_guard lock(mutex_);
    if (listening_ || stopped_) return Done{};
    listening_ = true;
  }
  const Status started = listener_.start(config_.listen);
  if (!started) {
    const std::lock_guard lock(mutex_);
    listening_ = false;
    return started;
  }
  logger_->info("listening on {}:{} as {} {}", config_.listen.host, config_.listen.port, to_text(identity_->flavour),
                identity_->version);
  return Done{};
}

void Stream::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (stopped_) return;
    stopped_ = true;
  }
  if (scrubber_) scrubber_->stop();
  if (upstream_) upstream_->stop();
  listener_.stop();
  registry_.end_all(EndReason::shutdown);
  const auto deadline = std::chrono::steady_clock::now() + kSessionEndTime;
  while (registry_.size() > 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
  if (housekeeper_) housekeeper_->stop();
}

std::uint64_t Stream::bytes_between(LogPosition from, LogPosition to) const {
  if (to <= from) return 0;
  if (from.segment == to.segment) return to.offset - from.offset;
  std::uint64_t bytes = to.offset;
  const auto catalog = log_->catalog();  // a temporary would not outlive the loop
  for (const auto& segment : catalog->segments()) {
    if (segment->number == from.segment) bytes += segment->size - std::min(segment->size, from.offset);
    if (segment->number > from.segment && segment->number < to.segment) bytes += segment->size;
  }
  return bytes;
}

std::string Stream::why_not_ready() const {
  const std::lock_guard lock(mutex_);
  if (stopped_) return "stopping";
  if (listening_) return "";
  if (!identity_) return "the source has not been reached yet, so nobody is listened to";
  return "it does not listen on " + to_text(config_.listen);
}

void Stream::report_log(const LogEnds& ends, StreamReport* report) const {
  const auto catalog = log_->catalog();
  report->written = served_position(*catalog, ends.written);
  report->durable = served_position(*catalog, ends.durable);
  report->visible = served_position(*catalog, ends.visible);
  report->segments = catalog->segments().size();
  for (const auto& segment : catalog->segments()) report->log_bytes += segment->sealed ? segment->size : 0;
  if (const auto newest = catalog->newest()) {
    report->generation = newest->generation;
    if (!newest->sealed) report->log_bytes += ends.written.offset;
  }
  if (const auto oldest = catalog->oldest()) report->oldest_file = oldest->served_name;
  report->counters = log_->counters();
  report->sync_times = log_->sync_times();
  if (const auto failure = log_->failure()) report->log_failure = failure->context;
}

// The source's end and files are what the watch saw last: that may be older than what we have.
void Stream::report_lag(const LogEnds& ends, StreamReport* report) const {
  const UpstreamStatus& upstream = report->upstream;
  const auto visible = log_->catalog()->find(ends.visible.segment);
  if (visible && visible->source_name == upstream.source_file) {
    report->lag_bytes = upstream.source_position - std::min(upstream.source_position, ends.visible.offset);
  } else if (visible && log_->catalog()->find(std::string_view(visible->series->names.of(upstream.source_file)))) {
    report->lag_bytes = 0;
  } else if (visible) {
    const auto& files = upstream.source_files;
    auto file = std::find_if(files.begin(), files.end(),
                             [&](const BinlogFile& each) { return each.name == visible->source_name; });
    if (file != files.end()) {
      std::uint64_t bytes = file->size - std::min(file->size, ends.visible.offset);
      while (++file != files.end() && file->name != upstream.source_file) bytes += file->size;
      report->lag_bytes = bytes + upstream.source_position;
    }
  }
  const std::uint32_t last_event = report->counters.last_event_timestamp;
  if (report->lag_bytes == 0u) {
    report->lag_seconds = 0;
  } else if (last_event != 0) {
    report->lag_seconds = seconds_since(last_event);
  }
}

void Stream::report_consumers(const LogEnds& ends, StreamReport* report) const {
  const auto catalog = log_->catalog();
  for (auto& entry : registry_.list()) {
    ConsumerReport consumer;
    if (const auto progress = entry.progress) {
      const LogPosition at{SegmentNumber{progress->segment.load()}, progress->offset.load()};
      consumer.dumps = true;
      consumer.at = served_position(*catalog, at);
      consumer.lag_bytes = bytes_between(at, ends.visible);
      const std::uint32_t event_time = progress->event_time.load();
      if (consumer.lag_bytes == 0) {
        consumer.lag_seconds = 0;
      } else if (event_time != 0) {
        consumer.lag_seconds = seconds_since(event_time);
      }
      consumer.sent_bytes = progress->sent_bytes.load();
      consumer.last_progress = progress->moved_at.load();
    }
    consumer.connection = std::move(entry);
    report->consumers.push_back(std::move(consumer));
  }
}

StreamReport Stream::report() const {
  StreamReport report;
  report.name = config_.name;
  report.listen = config_.listen;
  report.upstream = upstream_->status();
  report.source_address = report.upstream.address;
  report.source = context_.source();
  report.not_ready = why_not_ready();
  const LogEnds ends = log_->ends();
  report_log(ends, &report);
  report_lag(ends, &report);
  report_consumers(ends, &report);
  report.connections = gate_.counters().read();
  report.retention = housekeeper_->report();
  report.rules = filter_counters_.read();
  report.other_rules = filter_counters_.others();
  if (rule_tables_) report.unseen_rules = rule_tables_->unseen();
  if (rule_history_) report.rules_note = rule_history_->report().reason;
  std::error_code failed;
  if (const auto space = std::filesystem::space(directory_, failed); !failed) {
    report.disk_free = space.available;
    report.disk_total = space.capacity;
  }
  return report;
}

ReplicaStatus Stream::replica_status() const {
  StreamReport report;
  report.upstream = upstream_->status();
  const LogEnds ends = log_->ends();
  report_log(ends, &report);
  report_lag(ends, &report);
  ReplicaStatus status;
  if (auto source = log_->source()) status.source = std::move(*source);
  using State = UpstreamStatus::State;
  using Receiving = ReplicaStatus::Receiving;
  const State state = report.upstream.state;
  status.receiving = state == State::streaming                               ? Receiving::yes
                     : state == State::connecting || state == State::waiting ? Receiving::connecting
                                                                             : Receiving::no;
  if (status.receiving != Receiving::yes) status.receive_error = report.upstream.last_error;
  status.store_error = report.log_failure;
  status.address = report.upstream.address;
  status.user = config_.source.user;
  status.tls_allowed = config_.source.tls != TlsMode::disabled;
  status.tls_verified = config_.source.tls == TlsMode::verify_identity;
  status.tls_ca = config_.source.tls_ca;
  const auto catalog = log_->catalog();
  if (const auto read = catalog->find(ends.written.segment)) status.read_file = read->source_name;
  if (const auto stored = catalog->find(ends.visible.segment)) status.stored_file = stored->source_name;
  status.read_position = ends.written.offset;
  status.stored_position = ends.visible.offset;
  status.served_file = report.visible.file;
  status.log_bytes = report.log_bytes;
  status.seconds_behind = report.lag_seconds;
  status.executed = executed();
  return status;
}

std::string Stream::executed() const {
  const RelayView view{log_.get(), nullptr, context_.source(), context_.started_at};
  return view.source ? to_text(served_executed(view)) : "";
}

std::uint64_t ServedPosition::file_number() const { return number_in(file).value_or(0); }

}  // namespace binrelay
