#include "relay/retention/housekeeper.h"

#include <spdlog/logger.h>

#include <algorithm>
#include <chrono>
#include <ctime>
#include <utility>

#include "storage/file/disk.h"
#include "storage/file/file_names.h"

namespace binrelay {
namespace {

constexpr auto kEvery = std::chrono::seconds(1);
constexpr std::int64_t kSaveEvery = 60;  // seconds
constexpr std::int64_t kIndexPause = 60;
constexpr std::uint64_t kMaxConsumersFile = 4u << 20;

std::uint64_t newest_bytes(const EventLog& log, const SegmentCatalog& catalog) {
  const auto newest = catalog.newest();
  if (newest == nullptr) return 0;
  const LogPosition written = log.ends().written;
  return written.segment == newest->number ? written.offset : newest->size;
}

std::string name_of(const SegmentCatalog& catalog, SegmentNumber number) {
  const auto segment = catalog.at_or_after(number);
  return segment ? segment->served_name : "segment " + std::to_string(raw(number));
}

}  // namespace

Housekeeper::World Housekeeper::real_world(const std::filesystem::path& directory) {
  return {[] { return static_cast<std::int64_t>(std::time(nullptr)); },
          [directory]() -> std::optional<std::uint64_t> {
            std::error_code failed;
            const auto space = std::filesystem::space(directory, failed);
            if (failed) return std::nullopt;
            return space.available;
          }};
}

Housekeeper::Housekeeper(EventLog& log, ReplicaRegistry& registry, const RetentionConfig& config,
                         std::filesystem::path directory, std::shared_ptr<spdlog::logger> logger, World world)
    : log_(log),
      registry_(registry),
      config_(config),
      directory_(std::move(directory)),
      logger_(std::move(logger)),
      world_(std::move(world)) {
  const auto content = Disk().read_whole(StreamFiles{directory_}.consumers(), kMaxConsumersFile);
  const auto oldest = log_.catalog()->oldest();
  if (content.ok()) memory_.from_json(as_text(*content), oldest ? oldest->number : SegmentNumber{});
}

void Housekeeper::start() {
  thread_ = std::thread([this] { run(); });
}

void Housekeeper::stop() {
  {
    const std::lock_guard lock(mutex_);
    if (std::exchange(stopping_, true)) return;
  }
  wake_.notify_all();
  if (thread_.joinable()) thread_.join();
  const std::lock_guard lock(mutex_);
  const std::int64_t now = world_.now();
  remember_consumers(now);
  save(now, true);
}

void Housekeeper::run() {
  std::unique_lock lock(mutex_);
  while (!stopping_) {
    lock.unlock();
    tick();
    lock.lock();
    wake_.wait_for(lock, kEvery, [&] { return stopping_ || wanted_; });
    wanted_ = false;
  }
}

void Housekeeper::look_soon() {
  wanted_ = true;
  wake_.notify_one();  // without the lock, which a purge may hold for long: one that is missed costs a second
}

void Housekeeper::tick() {
  const std::lock_guard lock(mutex_);
  const std::int64_t now = world_.now();
  mend_index(now);
  remember_consumers(now);
  if (config_.rules.any()) apply_rules(now);
  save(now, false);
}

// Without it GTID starts are slow: the files are searched.
void Housekeeper::mend_index(std::int64_t now) {
  const auto failure = log_.index_failure();
  if (!failure || now < index_tried_at_ + kIndexPause) return;
  index_tried_at_ = now;
  logger_->warn("the index has failed and is started again: {}", failure->context);
  RecoveryReport report;
  log_.restart_index(&report);
  for (const std::string& note : report.notes) logger_->warn("{}", note);
}

void Housekeeper::remember_consumers(std::int64_t now) {
  const auto departed = registry_.take_departed();
  memory_.update(departed, registry_.list(), now);
  const auto oldest = log_.catalog()->oldest();
  memory_.forget(config_.purge_hold_seconds, oldest ? oldest->number : SegmentNumber{}, now);
}

// --- the rules ---

void Housekeeper::apply_rules(std::int64_t now) {
  const auto catalog = log_.catalog();
  RetentionInput input;
  input.segments = stored_segments(*catalog, newest_bytes(log_, *catalog));
  input.now = now;
  if (config_.rules.min_free_bytes != 0) input.free_bytes = world_.free_bytes();
  const RememberedConsumer* hindmost = memory_.hindmost();
  if (hindmost != nullptr) input.needed_from = hindmost->segment;
  const RetentionDecision decision = decide_retention(config_.rules, input);
  std::set<std::string> problems;
  if (decision.rule != RetentionRule::none) problems = purge_by_rule(decision, *catalog);
  if (decision.wanted_from && decision.keep_from < *decision.wanted_from && hindmost != nullptr) {
    problems.insert(
        name_of(*catalog, decision.keep_from) + " and later files are kept beyond the rules: " + to_text(*hindmost) +
        " has not been sent all of them; purge_hold_seconds = " + std::to_string(config_.purge_hold_seconds));
  }
  // A state that lasts is logged when it begins.
  for (const std::string& problem : problems) {
    if (!told_.contains(problem)) logger_->warn("retention: {}", problem);
  }
  told_ = std::move(problems);
}

std::set<std::string> Housekeeper::purge_by_rule(const RetentionDecision& decision, const SegmentCatalog& before) {
  const auto purged = log_.purge_before(decision.keep_from);
  if (!purged.ok()) return {"cannot purge: " + purged.error().context};
  log_purge(*purged, rule_text(decision.rule));
  for (const RememberedConsumer& consumer : memory_.needing_before(log_.catalog()->oldest()->number)) {
    logger_->warn("{} had been sent the log up to {}; what followed was purged because of {}", to_text(consumer),
                  name_of(before, consumer.segment), rule_text(decision.rule));
  }
  if (!purged->in_use) return {};
  return {name_of(before, *purged->in_use) + " and later files are kept beyond " + rule_text(decision.rule) +
          ": a connected consumer is reading there"};
}

std::string Housekeeper::rule_text(RetentionRule rule) const {
  const RetentionRules& rules = config_.rules;
  const std::uint64_t value = rule == RetentionRule::expire_seconds ? rules.expire_seconds
                              : rule == RetentionRule::max_bytes    ? rules.max_bytes
                                                                    : rules.min_free_bytes;
  return to_text(rule) + (" = " + std::to_string(value));
}

void Housekeeper::log_purge(const PurgeOutcome& outcome, const std::string& why) {
  for (const std::string& problem : outcome.not_removed)
    logger_->warn("purge: {}; the next start tries again", problem);
  if (outcome.purged.empty()) return;
  const std::string& first = outcome.purged.front()->served_name;
  const std::string& last = outcome.purged.back()->served_name;
  logger_->info("purged {} {}, {}{}, {} bytes: {}", outcome.purged.size(),
                outcome.purged.size() == 1 ? "file" : "files", first, first == last ? "" : " to " + last, outcome.bytes,
                why);
  report_.purged_files += outcome.purged.size();
  report_.purged_bytes += outcome.bytes;
  report_.last_purge = world_.now();
}

// --- PURGE BINARY LOGS ---

Result<PurgeReply> Housekeeper::purge(SegmentNumber keep_from, const std::string& who) {
  const std::lock_guard lock(mutex_);
  remember_consumers(world_.now());
  PurgeReply reply;
  if (const RememberedConsumer* hindmost = memory_.hindmost(); hindmost != nullptr && hindmost->segment < keep_from) {
    reply.needed_by = *hindmost;
    keep_from = hindmost->segment;
  }
  BINRELAY_ASSIGN(reply.outcome, log_.purge_before(keep_from));
  log_purge(reply.outcome, "PURGE BINARY LOGS from " + who);
  return reply;
}

// --- what is remembered ---

// After a crash nobody is connected, and only who is written down is waited for. How far they had come may be an old
// story: that keeps more than is needed.
void Housekeeper::save(std::int64_t now, bool at_once) {
  if (config_.purge_hold_seconds == 0) return;
  at_once = memory_.take_changed() || at_once;
  if (!at_once && now >= saved_at_ && now - saved_at_ < kSaveEvery) return;
  std::string text = memory_.to_json();
  saved_at_ = now;
  if (text == saved_) return;
  const Status written = Disk().create_whole(StreamFiles{directory_}.consumers(), as_bytes(text));
  if (written.ok()) saved_ = std::move(text);
}

RetentionReport Housekeeper::report() const {
  const std::lock_guard lock(mutex_);
  const auto catalog = log_.catalog();
  const std::int64_t now = world_.now();
  RetentionReport report = report_;
  report.config = config_;
  if (const auto oldest = catalog->oldest()) report.oldest_time = oldest->created_at;
  for (RememberedConsumer& consumer : memory_.all()) {
    if (consumer.connected) continue;
    const std::int64_t until = consumer.last_seen + static_cast<std::int64_t>(config_.purge_hold_seconds);
    std::string file = name_of(*catalog, consumer.segment);
    report.waited_for.push_back({std::move(consumer), std::move(file), until - now});
  }
  return report;
}

}  // namespace binrelay
