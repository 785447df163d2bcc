#include "relay/upstream/source_watch.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <chrono>
#include <utility>

#include "relay/upstream/switch_order.h"

namespace binrelay {
namespace {

constexpr std::chrono::seconds kPeriod{5};
// The list makes the source open every file: asked once a minute, or when its end lies before ours.
constexpr unsigned kLooksPerFileList = 12;

// Numbers grow a digit when they must, so a shorter name is an older one.
bool precedes(const std::string& left, const std::string& right) {
  return left.size() != right.size() ? left.size() < right.size() : left < right;
}

// nullopt: nothing stored yet.
std::optional<LogView> view_of(const EventLog& log, const SourceIdentity& source) {
  const LogPosition end = log.ends().written;
  const auto segment = log.catalog()->find(end.segment);
  if (!segment) return std::nullopt;
  return LogView{source, segment->source_name, end.offset, log.executed()};
}

}  // namespace

std::optional<std::string> find_contradiction(const LogView& log, const SourceView& seen) {
  if (server_name(seen.identity) != server_name(log.source)) return "its address leads to another server now";
  const auto shorter = [&](std::uint64_t size) {
    return log.file + " ends at " + std::to_string(size) + " there, " + std::to_string(log.end) +
           " was received from it";
  };
  if (seen.end.file == log.file && seen.end.position < log.end) return shorter(seen.end.position);
  if (!seen.files) return std::nullopt;
  const auto file = std::find_if(seen.files->begin(), seen.files->end(),
                                 [&](const BinlogFile& each) { return each.name == log.file; });
  if (file == seen.files->end()) return log.file + ", which is being read, is gone there";
  if (file->size < log.end) return shorter(file->size);
  return std::nullopt;
}

SourceWatch::SourceWatch(EventLog& log, std::unique_ptr<EventSource> source, std::shared_ptr<spdlog::logger> logger,
                         std::function<void(const SourceView&)> on_view,
                         std::function<void(std::string)> on_contradiction,
                         std::function<void(EventSource&)> at_each_look)
    : log_(log),
      source_(std::move(source)),
      logger_(std::move(logger)),
      on_view_(std::move(on_view)),
      on_contradiction_(std::move(on_contradiction)),
      at_each_look_(std::move(at_each_look)) {}

SourceWatch::~SourceWatch() { stop(); }

void SourceWatch::start() {
  thread_ = std::thread([this] { run(); });
}

void SourceWatch::stop() {
  {
    const std::lock_guard lock(mutex_);
    stopping_ = true;
  }
  changed_.notify_all();
  source_->interrupt();
  if (thread_.joinable()) thread_.join();
}

void SourceWatch::set_active(bool active) {
  {
    const std::lock_guard lock(mutex_);
    active_ = look_now_ = active;
    reconnect_ = reconnect_ || active;  // the source may be another one by now
  }
  changed_.notify_all();
}

// True: look. False: stop.
bool SourceWatch::wait_for_next_look() {
  std::unique_lock lock(mutex_);
  changed_.wait_for(lock, kPeriod, [this] { return stopping_ || look_now_; });
  while (!stopping_ && !active_) {
    lock.unlock();
    source_->close();
    connected_ = false;
    lock.lock();
    changed_.wait(lock, [this] { return stopping_ || active_; });
  }
  looks_until_files_ = std::exchange(look_now_, false) ? 0 : looks_until_files_;
  const bool reconnect = std::exchange(reconnect_, false);
  lock.unlock();
  if (reconnect) {
    source_->close();
    connected_ = false;
  }
  lock.lock();
  return !stopping_;
}

void SourceWatch::run() {
  while (wait_for_next_look()) look();
  source_->close();
}

void SourceWatch::look() {
  const auto recorded = log_.source();
  if (!recorded) return;
  const auto own = view_of(log_, *recorded);
  if (!connected_) {
    if (const auto connected = source_->connect(); !connected) {
      logger_->debug("watch: {}", connected.error().context);
      return;
    }
    connected_ = true;
    const std::lock_guard lock(mutex_);
    if (stopping_) return;
  }
  auto seen = read_view(*recorded, looks_until_files_ == 0);
  // A source whose end lies before ours has lost something, unless the list says otherwise.
  if (seen && own && !seen->files && precedes(seen->end.file, own->file)) seen = read_view(*recorded, true);
  if (!seen) {
    logger_->debug("watch: {}", seen.error().context);
    source_->close();
    connected_ = false;
    return;
  }
  looks_until_files_ = seen->files ? kLooksPerFileList - 1 : looks_until_files_ - 1;
  on_view_(*seen);
  if (at_each_look_) at_each_look_(*source_);
  if (!own) return;
  auto found = find_contradiction(*own, *seen);
  if (!found) found = still_missing(*own, *seen);
  if (found) on_contradiction_(std::move(*found));
}

std::optional<std::string> SourceWatch::still_missing(const LogView& own, const SourceView& seen) {
  const std::optional<GtidState> before = std::exchange(missing_, lacking(own.executed, seen.executed));
  if (!before) return std::nullopt;
  const GtidState still = lacking(*before, seen.executed);
  // Said once: if the bytes turn out to be the same after reconnecting, it was the source's own account of itself that
  // changed.
  std::string text = to_text(still);
  if (is_empty(still) || text == told_) return std::nullopt;
  told_ = text;
  return "it does not have " + text + " any more";
}

Result<SourceView> SourceWatch::read_view(const SourceIdentity& recorded, bool with_files) {
  SourceView view;
  BINRELAY_ASSIGN(view.identity, read_identity(*source_));
  BINRELAY_ASSIGN(view.end, read_binlog_end(*source_, recorded.flavour));
  if (with_files) {
    BINRELAY_ASSIGN(view.files, read_binlog_files(*source_, recorded.flavour));
  }
  BINRELAY_ASSIGN(view.executed, read_executed(*source_, recorded));
  const auto* state = std::get_if<MariadbBinlogState>(&view.executed);
  view.gtids = state ? state->position().to_text() : to_text(view.executed);
  return view;
}

}  // namespace binrelay
