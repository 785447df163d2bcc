#include "relay/upstream/upstream_loop.h"

#include <spdlog/spdlog.h>

#include <atomic>
#include <condition_variable>
#include <ctime>
#include <mutex>
#include <random>
#include <thread>
#include <utility>

#include "relay/upstream/mysql_source.h"
#include "relay/upstream/reconnect_pause.h"
#include "relay/upstream/room_wait.h"
#include "relay/upstream/source_rota.h"
#include "relay/upstream/source_watch.h"
#include "relay/upstream/upstream_session.h"

namespace binrelay {

const char* to_text(UpstreamStatus::State state) {
  switch (state) {
    case UpstreamStatus::State::connecting:
      return "connecting";
    case UpstreamStatus::State::streaming:
      return "streaming";
    case UpstreamStatus::State::waiting:
      return "waiting";
    case UpstreamStatus::State::refused:
      return "refused";
    case UpstreamStatus::State::stopped:
      return "stopped";
  }
  return "?";
}

namespace {

// gtid_purged is kept as it was when the log began.
bool differs_in_settings(const SourceIdentity& recorded, SourceIdentity seen) {
  seen.gtid_purged_at_start = recorded.gtid_purged_at_start;
  return seen != recorded;
}

}  // namespace

// Impl runs sessions one after another on the upstream thread, and owns the watch beside them.
class UpstreamLoop::Impl final : private SessionObserver {
 public:
  Impl(EventLog& log, UpstreamSettings settings, std::shared_ptr<spdlog::logger> logger,
       std::function<void()> on_identity, std::function<void(EventSource&)> at_each_look)
      : log_(log),
        settings_(std::move(settings)),
        logger_(std::move(logger)),
        identity_changed_(std::move(on_identity)),
        addresses_(addresses_of(settings_.source)),
        source_(settings_.source, [this] { return address(); }),
        rota_(addresses_.size()),
        semi_sync_(settings_.source.semi_sync, std::chrono::milliseconds(settings_.source.semi_sync_max_sync_ms)),
        watch_(
            log, std::make_unique<MysqlSource>(settings_.source, [this] { return address(); }), logger_,
            [this](const SourceView& view) { on_view(view); },
            [this](std::string what) { on_contradiction(std::move(what)); }, std::move(at_each_look)) {}

  void start() {
    BINRELAY_CHECK(!thread_.joinable(), "started once");
    watch_.start();
    thread_ = std::thread([this] { run(); });
  }

  void stop() {
    {
      const std::lock_guard lock(mutex_);
      stopping_ = true;
    }
    woken_.notify_all();
    source_.interrupt();
    watch_.stop();
    if (thread_.joinable()) thread_.join();
  }

  UpstreamStatus status() const {
    const std::lock_guard lock(mutex_);
    UpstreamStatus status = status_;
    status.semi_sync = semi_sync_.report();
    status.last_received = last_received_.load(std::memory_order_relaxed);
    status.address = address();
    return status;
  }

 private:
  void run();
  Status go_on_after_failure();
  void finish(const SessionEnd& end);
  void tell(const SessionEnd& end);
  void remember_cut_short(const SessionEnd& end);
  void pause(std::chrono::milliseconds length);
  Endpoint address() const { return addresses_[address_.load(std::memory_order_relaxed)]; }  // any thread
  void set_state(UpstreamStatus::State state) {
    const std::lock_guard lock(mutex_);
    status_.state = state;
  }

  // SessionObserver, on the upstream thread.
  void on_identity_recorded() override {
    if (identity_changed_) identity_changed_();
  }
  void on_streaming() override;
  void on_received() override { last_received_.store(std::time(nullptr), std::memory_order_relaxed); }
  std::optional<SourceIdentity> changed_identity() override;
  bool stopping() const override { return stopping_; }

  // On the watch thread.
  void on_view(const SourceView& view);
  void on_contradiction(std::string what);

  EventLog& log_;
  const UpstreamSettings settings_;
  const std::shared_ptr<spdlog::logger> logger_;
  const std::function<void()> identity_changed_;

  const std::vector<Endpoint> addresses_;
  std::atomic<std::size_t> address_ = 0;

  // The upstream thread's own.
  MysqlSource source_;
  SourceRota rota_;
  SemiSync semi_sync_;
  ReconnectPause reconnect_pause_;
  std::string cut_short_;            // a file of the source that ends inside an event, seen twice
  std::string suspected_cut_short_;  // seen once
  bool log_failed_ = false;          // the last attempt ended so
  RoomWait room_;
  std::pair<std::string, bool> last_told_;  // reason, and whether it has become a standing one
  std::chrono::steady_clock::time_point last_told_at_{};
  std::minstd_rand jitter_{std::random_device{}()};

  mutable std::mutex mutex_;  // guards status_, contradiction_ and changed_identity_
  std::condition_variable woken_;
  UpstreamStatus status_;
  std::string contradiction_;
  std::optional<SourceIdentity> changed_identity_;
  std::atomic<bool> identity_has_changed_ = false;  // changed_identity_ is set: asked for every event
  std::atomic<bool> stopping_ = false;
  std::atomic<std::int64_t> last_received_ = 0;

  std::thread thread_;
  SourceWatch watch_;
};

void UpstreamLoop::Impl::run() {
  while (!stopping_) {
    set_state(UpstreamStatus::State::connecting);
    // A log that takes no more is no reason to bother the source.
    const Status usable = log_failed_ || log_.failed() ? go_on_after_failure() : Status(Done{});
    const SessionEnd end =
        usable ? UpstreamSession(log_, source_, settings_, address(), *this, semi_sync_, *logger_).run(cut_short_)
               : SessionEnd{SessionEnd::Kind::log_failed, usable.error().context, "", false, false};
    watch_.set_active(false);
    if (stopping_) break;
    finish(end);
  }
  set_state(UpstreamStatus::State::stopped);
}

// After a failure of the log: it is opened again, and the source is asked only if the next attempt can get further.
Status UpstreamLoop::Impl::go_on_after_failure() {
  if (log_.failed()) {
    RecoveryReport report;
    BINRELAY_TRY(log_.reopen(&report));
    for (const auto& note : report.notes) logger_->warn("recovery: {}", note);
  }
  std::error_code unknown;
  const auto space = std::filesystem::space(settings_.data_directory, unknown);
  const LogPosition end = log_.ends().durable;
  const std::uintmax_t wanted = room_.wanted(end);
  if (!unknown && space.available < wanted) {
    return Error{Errc::io, settings_.data_directory.string() + ": the disk is full (" +
                               std::to_string(space.available >> 20) +
                               " MiB free); what is stored is served, and receiving goes on when " +
                               std::to_string(wanted >> 20) + " MiB are free"};
  }
  room_.begin_attempt(unknown ? 0 : space.available, end);
  logger_->info("the log takes events again, from {}", log_.appended_end());
  last_told_ = {};
  log_failed_ = false;
  return Done{};
}

void UpstreamLoop::Impl::finish(const SessionEnd& received_end) {
  SessionEnd end = received_end;
  {
    const std::lock_guard lock(mutex_);
    // The watch has broken the connection: its reason is the reason.
    if (const std::string what = std::exchange(contradiction_, {});
        !what.empty() && end.kind == SessionEnd::Kind::lost) {
      end.reason = "the source contradicts what it has sent: " + what + "; comparing on a new connection";
    }
  }
  remember_cut_short(end);
  if (end.kind == SessionEnd::Kind::log_failed) {
    log_failed_ = true;
    if (!end.no_space && end.streamed) room_.forget();
  }
  const Endpoint left = address();
  const bool at_once = rota_.after(end);
  auto length = reconnect_pause_.after(end, std::uniform_real_distribution<>(0, 1)(jitter_), rota_.one_is_lost());
  address_.store(rota_.current(), std::memory_order_relaxed);
  {
    const std::lock_guard lock(mutex_);
    const bool refused =
        end.kind == SessionEnd::Kind::refused || end.kind == SessionEnd::Kind::log_failed || reconnect_pause_.stuck();
    status_.state = refused ? UpstreamStatus::State::refused : UpstreamStatus::State::waiting;
    status_.last_error = end.reason;
    status_.connected_since = 0;
    ++status_.reconnects;
    if (end.kind == SessionEnd::Kind::bad_event) ++status_.bad_events;
  }
  tell(end);
  if (at_once) {
    logger_->warn("leaves {} and tries {}", to_text(left), to_text(address()));
    cut_short_.clear();
    length = ReconnectPause::kFirst;
  }
  pause(length);
}

void UpstreamLoop::Impl::remember_cut_short(const SessionEnd& end) {
  if (end.kind != SessionEnd::Kind::cut_short) {
    suspected_cut_short_.clear();
    return;
  }
  // Once may be a passing fault of the source's disk.
  if (suspected_cut_short_ == end.place) cut_short_ = end.place;
  suspected_cut_short_ = end.place;
}

void UpstreamLoop::Impl::tell(const SessionEnd& end) {
  constexpr std::chrono::minutes kRepeat{5};
  const auto now = std::chrono::steady_clock::now();
  const auto telling = std::pair(end.reason, reconnect_pause_.stuck());
  if (telling == last_told_ && now - last_told_at_ < kRepeat) return;
  last_told_ = telling;
  last_told_at_ = now;
  switch (end.kind) {
    case SessionEnd::Kind::again:
      logger_->info("connecting anew: {}", end.reason);
      break;
    case SessionEnd::Kind::lost:
    case SessionEnd::Kind::cut_short:
      logger_->warn("source lost, reconnecting: {}", end.reason);
      break;
    case SessionEnd::Kind::refused:
      logger_->error("source refused, trying again{}: {}",
                     rota_.one_is_lost() ? ", and those that could not be reached"
                                         : " every " + std::to_string(ReconnectPause::kSlow.count() / 1000) + " s",
                     end.reason);
      break;
    case SessionEnd::Kind::bad_event:
      if (reconnect_pause_.stuck()) {
        logger_->error(
            "the source sends the same place damaged every time; nothing of it is stored, trying again every {} s: {}",
            ReconnectPause::kSlow.count() / 1000, end.reason);
      } else {
        logger_->error("a damaged event, not stored, is fetched again: {}", end.reason);
      }
      break;
    case SessionEnd::Kind::log_failed:
      logger_->error("the log takes no events for now, trying again every {} s: {}",
                     ReconnectPause::kLog.count() / 1000, end.reason);
      break;
  }
}

void UpstreamLoop::Impl::pause(std::chrono::milliseconds length) {
  std::unique_lock lock(mutex_);
  woken_.wait_for(lock, length, [this] { return stopping_.load(); });
}

void UpstreamLoop::Impl::on_streaming() {
  {
    const std::lock_guard lock(mutex_);
    status_.state = UpstreamStatus::State::streaming;
    status_.connected_since = std::time(nullptr);
    changed_identity_.reset();  // this session has asked itself
    identity_has_changed_.store(false, std::memory_order_relaxed);
  }
  watch_.set_active(true);
}

std::optional<SourceIdentity> UpstreamLoop::Impl::changed_identity() {
  if (!identity_has_changed_.load(std::memory_order_relaxed)) return std::nullopt;
  const std::lock_guard lock(mutex_);
  identity_has_changed_.store(false, std::memory_order_relaxed);
  return std::exchange(changed_identity_, std::nullopt);
}

void UpstreamLoop::Impl::on_view(const SourceView& view) {
  const auto recorded = log_.source();
  const std::lock_guard lock(mutex_);
  if (recorded && differs_in_settings(*recorded, view.identity)) {
    changed_identity_ = view.identity;
    identity_has_changed_.store(true, std::memory_order_relaxed);
  }
  status_.source_file = view.end.file;
  status_.source_position = view.end.position;
  if (view.files) status_.source_files = *view.files;
  status_.source_gtids = view.gtids;
}

void UpstreamLoop::Impl::on_contradiction(std::string what) {
  {
    const std::lock_guard lock(mutex_);
    if (status_.state != UpstreamStatus::State::streaming) return;
    contradiction_ = std::move(what);
  }
  source_.interrupt();
}

UpstreamLoop::UpstreamLoop(EventLog& log, SourceConfig config, std::string report_host, std::uint16_t report_port,
                           std::shared_ptr<spdlog::logger> logger, std::function<void()> on_identity,
                           std::filesystem::path directory, RuleFollower* rules,
                           std::function<void(EventSource&)> at_each_look)
    : impl_(std::make_unique<Impl>(
          log, UpstreamSettings{std::move(config), std::move(report_host), report_port, rules, std::move(directory)},
          std::move(logger), std::move(on_identity), std::move(at_each_look))) {}

UpstreamLoop::~UpstreamLoop() { stop(); }
void UpstreamLoop::start() { impl_->start(); }
void UpstreamLoop::stop() { impl_->stop(); }
UpstreamStatus UpstreamLoop::status() const { return impl_->status(); }

}  // namespace binrelay
