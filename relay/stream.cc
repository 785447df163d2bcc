#include "relay/stream.h"

#include <spdlog/logger.h>
#include <unistd.h>

#include <chrono>
#include <ctime>
#include <nlohmann/json.hpp>
#include <thread>

#include "relay/commands/served_gtids.h"

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

nlohmann::json position_json(const SegmentCatalog& catalog, LogPosition position) {
  const auto segment = catalog.find(position.segment);
  return {{"file", segment ? segment->served_name : ""}, {"position", position.offset}};
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
      listener_(io, context_) {}

Result<std::unique_ptr<Stream>> Stream::open(const StreamConfig& config, const std::filesystem::path& data_dir,
                                             IoThreads& io, std::shared_ptr<spdlog::logger> logger) {
  std::unique_ptr<Stream> stream(new Stream(config, data_dir / config.name, io, logger->clone(config.name)));
  StorageOptions options;
  options.directory = stream->directory_;
  options.serve_after = config.serve_after;
  RecoveryReport report;
  BINRELAY_ASSIGN(stream->log_, EventLog::open(options, &report));
  for (const auto& note : report.notes) stream->logger_->warn("recovery: {}", note);
  BINRELAY_ASSIGN(stream->tls_, TlsContext::open(config.tls, data_dir / "tls"));

  auto& context = stream->context_;
  context.log = stream->log_.get();
  context.registry = &stream->registry_;
  context.users = &stream->users_;
  context.tls = stream->tls_.get();
  context.tail = &stream->tail_;
  context.readers = &io.readers();
  context.logger = stream->logger_;
  context.source = [self = stream.get()] {
    const std::lock_guard lock(self->mutex_);
    return self->identity_;
  };
  context.started_at = std::time(nullptr);

  stream->log_->on_visible([self = stream.get()] { self->tail_.notify(); });
  const std::string report_host = config.report_host.empty() ? own_host_name() : config.report_host;
  stream->upstream_ = std::make_unique<UpstreamLoop>(
      *stream->log_, config.source, report_host, config.listen.port, stream->logger_,
      [self = stream.get()] { self->on_identity(); }, stream->directory_);
  return stream;
}

Status Stream::start() {
  if (auto identity = log_->source()) {
    {
      const std::lock_guard lock(mutex_);
      identity_ = std::make_shared<const SourceIdentity>(std::move(*identity));
    }
    BINRELAY_TRY(listen());
  } else {
    logger_->info("begins to listen on {}:{} when the source has been reached for the first time", config_.listen.host,
                  config_.listen.port);
  }
  upstream_->start();
  return Done{};
}

void Stream::on_identity() {
  auto identity = log_->source();
  if (!identity) return;
  {
    const std::lock_guard lock(mutex_);
    identity_ = std::make_shared<const SourceIdentity>(std::move(*identity));
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
  if (upstream_) upstream_->stop();
  listener_.stop();
  registry_.end_all(EndReason::shutdown);
  const auto deadline = std::chrono::steady_clock::now() + kSessionEndTime;
  while (registry_.size() > 0 && std::chrono::steady_clock::now() < deadline)
    std::this_thread::sleep_for(std::chrono::milliseconds(5));
}

std::uint64_t Stream::bytes_between(LogPosition from, LogPosition to) const {
  if (to <= from) return 0;
  if (from.segment == to.segment) return to.offset - from.offset;
  std::uint64_t bytes = to.offset;
  for (const auto& segment : log_->catalog()->segments()) {
    if (segment->number == from.segment) bytes += segment->size - std::min(segment->size, from.offset);
    if (segment->number > from.segment && segment->number < to.segment) bytes += segment->size;
  }
  return bytes;
}

nlohmann::json Stream::log_status(const LogEnds& ends) const {
  const RelayView view{log_.get(), nullptr, context_.source(), context_.started_at};
  const auto catalog = log_->catalog();
  const auto counters = log_->counters();
  std::uint64_t sealed_bytes = 0;
  for (const auto& segment : catalog->segments()) sealed_bytes += segment->sealed ? segment->size : 0;
  const auto newest = catalog->newest();
  const auto oldest = catalog->oldest();
  return {{"file", newest ? newest->served_name : ""},
          {"generation", newest ? newest->generation : 0},
          {"oldest_file", oldest ? oldest->served_name : ""},
          {"segments", catalog->segments().size()},
          {"bytes", sealed_bytes + (newest && !newest->sealed ? ends.written.offset : 0)},
          {"written", position_json(*catalog, ends.written)},
          {"durable", position_json(*catalog, ends.durable)},
          {"visible", position_json(*catalog, ends.visible)},
          {"executed", view.source ? to_text(served_executed(view)) : ""},
          {"transactions", counters.transactions},
          {"events", counters.events},
          {"received_bytes", counters.bytes},
          {"syncs", counters.syncs},
          {"last_sync_us", counters.last_sync_us},
          {"max_sync_us", counters.max_sync_us},
          {"last_event_time", counters.last_event_timestamp}};
}

nlohmann::json Stream::consumer_status(const LogEnds& ends) const {
  auto consumers = nlohmann::json::array();
  const auto catalog = log_->catalog();
  for (const auto& entry : registry_.list()) {
    nlohmann::json consumer = {{"id", entry.id},
                               {"user", entry.user},
                               {"host", entry.host},
                               {"program", entry.program},
                               {"state", entry.command},
                               {"connected_since", entry.connected_since},
                               {"server_id", static_cast<std::uint32_t>(entry.server_id)},
                               {"uuid", entry.uuid}};
    if (entry.progress) {
      const LogPosition at{SegmentNumber{entry.progress->segment.load()}, entry.progress->offset.load()};
      consumer.update(position_json(*catalog, at));
      consumer["lag_bytes"] = bytes_between(at, ends.visible);
      consumer["sent_bytes"] = entry.progress->sent_bytes.load();
    }
    consumers.push_back(std::move(consumer));
  }
  return consumers;
}

nlohmann::json Stream::status() const {
  const LogEnds ends = log_->ends();
  const UpstreamStatus upstream = upstream_->status();
  const auto identity = context_.source();
  nlohmann::json source = {{"host", config_.source.host},
                           {"port", config_.source.port},
                           {"state", to_text(upstream.state)},
                           {"last_error", upstream.last_error},
                           {"connected_since", upstream.connected_since},
                           {"last_received", upstream.last_received},
                           {"file", upstream.source_file},
                           {"position", upstream.source_position},
                           {"gtids", upstream.source_gtids},
                           {"reconnects", upstream.reconnects}};
  if (identity) {
    source["flavour"] = to_text(identity->flavour);
    source["version"] = identity->version;
    source["server_uuid"] = identity->flavour == Flavour::mysql ? to_text(identity->server_uuid) : "";
    source["server_id"] = static_cast<std::uint32_t>(identity->server_id);
  }

  // Known when both ends lie in the same file. What the watch knows may also be older than what we have.
  nlohmann::json lag_bytes = nullptr;
  const auto newest = log_->catalog()->newest();
  const auto source_end = log_->catalog()->find(std::string_view(upstream.source_file));
  if (newest && source_end && newest->source_name == source_end->source_name) {
    lag_bytes = upstream.source_position - std::min(upstream.source_position, ends.visible.offset);
  } else if (source_end) {
    lag_bytes = 0;
  }
  const std::uint32_t last_event = log_->counters().last_event_timestamp;
  nlohmann::json lag_s = nullptr;
  if (lag_bytes.is_number() && lag_bytes == 0) {
    lag_s = 0;
  } else if (last_event != 0) {
    lag_s = std::max<std::int64_t>(0, std::time(nullptr) - static_cast<std::int64_t>(last_event));
  }

  nlohmann::json disk = nullptr;
  std::error_code failed;
  if (const auto space = std::filesystem::space(directory_, failed); !failed)
    disk = {{"free", space.available}, {"total", space.capacity}};
  return {{"name", config_.name},
          {"listen", config_.listen.host + ":" + std::to_string(config_.listen.port)},
          {"source", std::move(source)},
          {"log", log_status(ends)},
          {"lag_bytes", std::move(lag_bytes)},
          {"lag_s", std::move(lag_s)},
          {"consumers", consumer_status(ends)},
          {"disk", std::move(disk)}};
}

}  // namespace binrelay
