#include "relay/relay_server.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <ctime>
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

unsigned io_thread_count(std::uint32_t configured) {
  if (configured != 0) return configured;
  return std::clamp(std::thread::hardware_concurrency(), 1u, kMaxDefaultIoThreads);
}
}  // namespace

class RelayServer::Impl {
 public:
  explicit Impl(RelayConfig config) : config_(std::move(config)), io_(io_thread_count(config_.io_threads)) {}
  ~Impl() { stop(); }

  Status start() {
    for (const auto& stream_config : config_.streams) {
      BINRELAY_ASSIGN(auto stream, Stream::open(stream_config, config_.data_dir, io_, spdlog::default_logger()));
      streams_.push_back(std::move(stream));
    }
    for (const auto& stream : streams_) BINRELAY_TRY(stream->start());
    if (config_.admin_listen) {
      BINRELAY_ASSIGN(
          admin_, HttpServer::start(*config_.admin_listen, [this](std::string_view target) { return answer(target); }));
    }
    return Done{};
  }

  void stop() {
    admin_.reset();
    for (const auto& stream : streams_) stream->stop();
    io_.stop();        // what sessions still hold of a stream is gone after this
    streams_.clear();  // closes the logs
  }

  std::string status_json() const {
    auto streams = nlohmann::json::array();
    for (const auto& stream : streams_) streams.push_back(stream_json(stream->report(), stream->executed()));
    const auto uptime = std::chrono::duration_cast<std::chrono::seconds>(std::chrono::steady_clock::now() - started_);
    const nlohmann::json status = {
        {"version", kVersion}, {"uptime_s", uptime.count()}, {"streams", std::move(streams)}};
    return status.dump(2, ' ', false, nlohmann::json::error_handler_t::replace);
  }

 private:
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
    for (const auto& stream : streams_) add_stream_metrics(metrics, stream->report());
    return metrics.text();
  }

  HttpReply readiness() const {
    std::string reasons;
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
  std::vector<std::unique_ptr<Stream>> streams_;
  std::unique_ptr<HttpServer> admin_;
};

RelayServer::RelayServer(std::unique_ptr<Impl> impl) : impl_(std::move(impl)) {}
RelayServer::~RelayServer() = default;

Result<std::unique_ptr<RelayServer>> RelayServer::start(RelayConfig config) {
  auto impl = std::make_unique<Impl>(std::move(config));
  BINRELAY_TRY(impl->start());
  return std::unique_ptr<RelayServer>(new RelayServer(std::move(impl)));
}

void RelayServer::stop() { impl_->stop(); }

std::string RelayServer::status_json() const { return impl_->status_json(); }

}  // namespace binrelay
