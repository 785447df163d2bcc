#include "relay/relay_server.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <nlohmann/json.hpp>
#include <thread>
#include <vector>

#include "relay/admin/http_server.h"
#include "relay/admin/stream_json.h"
#include "relay/admin/stream_metrics.h"
#include "relay/runtime/io_threads.h"
#include "relay/stream.h"
#include "relay/version.h"

namespace binrelay {

namespace {
constexpr unsigned kMaxDefaultIoThreads = 8;
constexpr auto kOpenAgain = std::chrono::seconds(30);

unsigned io_thread_count(std::uint32_t configured) {
  if (configured != 0) return configured;
  return std::clamp(std::thread::hardware_concurrency(), 1u, kMaxDefaultIoThreads);
}
}  // namespace

class RelayServer::Impl {
 public:
  explicit Impl(RelayConfig config) : config_(std::move(config)), io_(io_thread_count(config_.io_threads)) {}
  ~Impl() { stop(); }

  // One of several streams that cannot be opened for damage holds up none of the others: its source is asked later.
  Status start() {
    const auto when_damaged = config_.streams.size() > 1 ? WhenDamaged::fail : WhenDamaged::fetch;
    for (const auto& stream_config : config_.streams) {
      auto stream = open(stream_config, when_damaged);
      if (stream.ok()) {
        streams_.push_back(*std::move(stream));
      } else if (is_damage(stream.error()) && when_damaged == WhenDamaged::fail) {
        closed_.push_back({&stream_config, stream.error().context});
      } else {
        return std::move(stream).error();
      }
    }
    for (const auto& stream : streams_) BINRELAY_TRY(stream->start());
    if (config_.admin_listen) {
      BINRELAY_ASSIGN(
          admin_, HttpServer::start(*config_.admin_listen, [this](std::string_view target) { return answer(target); }));
    }
    if (!closed_.empty()) opener_ = std::thread([this] { open_again(); });
    return Done{};
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    wake_.notify_all();
    admin_.reset();
    for (const auto& stream : streams_) stream->stop();  // nobody adds one any more
    if (opener_.joinable()) opener_.join();
    io_.stop();        // what sessions still hold of a stream is gone after this
    streams_.clear();  // closes the logs
  }

  // A stream that is closed for damage opens with what it was started with.
  Status reload(const RelayConfig& config) {
    const std::lock_guard lock(mutex_);
    std::vector<std::pair<const StreamConfig*, std::shared_ptr<TlsContext>>> opened;
    for (const auto& stream : streams_) {
      const auto found =
          std::find_if(config.streams.begin(), config.streams.end(),
                       [&](const StreamConfig& stream_config) { return stream_config.name == stream->name(); });
      if (found == config.streams.end())
        return Error{Errc::not_found,
                     "stream '" + stream->name() + "' is missing; it can be taken away by a new start"};
      BINRELAY_ASSIGN(auto certificates, stream->open_certificates(found->tls));
      opened.emplace_back(&*found, std::move(certificates));
    }
    for (std::size_t i = 0; i < opened.size(); ++i)
      streams_[i]->replace_logins(*opened[i].first, std::move(opened[i].second));
    return Done{};
  }

  std::string status_json() const {
    const std::lock_guard lock(mutex_);
    auto streams = nlohmann::json::array(), closed = nlohmann::json::array();
    for (const ClosedStream& stream : closed_) closed.push_back({{"name", stream.config->name}, {"why", stream.why}});
    for (const auto& stream : streams_) streams.push_back(stream_json(stream->report(), stream->executed()));
    const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_);
    const nlohmann::json status = {{"version", kVersion},
                                   {"uptime_s", uptime.count()},
                                   {"streams", std::move(streams)},
                                   {"closed_streams", std::move(closed)}};
    return status.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  }

 private:
  using WhenDamaged = Stream::WhenDamaged;

  struct ClosedStream {
    const StreamConfig* config;
    std::string why;
    bool told = false;  // the log says so
  };

  static bool is_damage(const Error& error) { return error.code == Errc::checksum || error.code == Errc::io; }

  Result<std::unique_ptr<Stream>> open(const StreamConfig& config, WhenDamaged when_damaged) {
    return Stream::open(config, config_.data_dir, io_, spdlog::default_logger(), when_damaged);
  }

  // Its source may have what is lost, now or later, and somebody may mend the damage meanwhile.
  void open_again() {
    std::unique_lock lock(mutex_);
    std::size_t next = 0;
    while (!stopping_ && !closed_.empty()) {
      if (next == closed_.size()) {
        wake_.wait_for(lock, kOpenAgain, [this] { return stopping_; });
        next = 0;
        continue;
      }
      const StreamConfig& config = *closed_[next].config;
      lock.unlock();  // it may take long
      auto stream = open(config, WhenDamaged::fetch);
      lock.lock();
      if (stopping_) return;
      const Status started = stream.ok() ? (*stream)->start() : Status(stream.error());
      if (started.ok()) {
        streams_.push_back(*std::move(stream));
        closed_.erase(closed_.begin() + static_cast<std::ptrdiff_t>(next));
      } else {
        remember(closed_[next++], started.error().context);
      }
    }
  }

  static void remember(ClosedStream& closed, const std::string& why) {
    if (!closed.told || closed.why != why)
      spdlog::error("stream {} is not served, and opened again in {} s: {}", closed.config->name, kOpenAgain.count(),
                    why);
    closed.why = why;
    closed.told = true;
  }

  HttpReply answer(std::string_view target) const {
    if (target == "/status") return {200, "application/json", status_json() + "\n"};
    if (target == "/metrics") return {200, kMetricsContentType, metrics_text()};
    if (target == "/healthz") return {200, "text/plain", "ok\n"};
    if (target == "/readyz") return readiness();
    return {404, "text/plain", "not found: /status, /metrics, /healthz and /readyz are what there is\n"};
  }

  std::string metrics_text() const {
    MetricsText metrics;
    add_process_metrics(metrics, started_at_);
    const std::lock_guard lock(mutex_);
    for (const ClosedStream& stream : closed_) add_closed_stream_metrics(metrics, stream.config->name);
    for (const auto& stream : streams_) add_stream_metrics(metrics, stream->report());
    return metrics.text();
  }

  HttpReply readiness() const {
    std::string reasons;
    const std::lock_guard lock(mutex_);
    for (const ClosedStream& stream : closed_) reasons += "stream " + stream.config->name + ": " + stream.why + "\n";
    for (const auto& stream : streams_) {
      const StreamReport report = stream->report();
      if (!report.not_ready.empty()) reasons += "stream " + report.name + ": " + report.not_ready + "\n";
    }
    if (reasons.empty()) return {200, "text/plain", "ready\n"};
    return {503, "text/plain", reasons};
  }

  const RelayConfig config_;
  const std::chrono::steady_clock::time_point started_ = std::chrono::steady_clock::now();
  const std::int64_t started_at_ = std::time(nullptr);
  IoThreads io_;

  mutable std::mutex mutex_;  // guards what follows, once it has started; only stop() takes streams away
  std::vector<std::unique_ptr<Stream>> streams_;
  std::vector<ClosedStream> closed_;
  bool stopping_ = false;
  std::condition_variable wake_;

  std::unique_ptr<HttpServer> admin_;
  std::thread opener_;  // only when there are closed streams
};

RelayServer::RelayServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RelayServer::~RelayServer() = default;

Result<std::unique_ptr<RelayServer>> RelayServer::start(RelayConfig config) {
  auto impl = std::make_unique<Impl>(std::move(config));
  BINRELAY_TRY(impl->start());
  return std::unique_ptr<RelayServer>(new RelayServer(std::move(impl)));
}

Status RelayServer::reload(const RelayConfig& config) { return impl_->reload(config); }

void RelayServer::stop() { impl_->stop(); }

std::string RelayServer::status_json() const { return impl_->status_json(); }

}  // namespace binrelay
