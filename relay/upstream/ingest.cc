#include "relay/upstream/ingest.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <utility>

#include "relay/filter/rule_follower.h"

namespace binrelay {
namespace {

constexpr std::chrono::milliseconds kLongestDelay{5};

}  // namespace

Ingest::Ingest(EventLog& log, DumpStart start, std::optional<SeriesBegin> series, spdlog::logger& logger,
               RuleFollower* rules)
    : log_(log), receiver_(std::move(start)), series_(std::move(series)), logger_(logger), rules_(rules) {}

Status Ingest::on_event(Bytes event) {
  BINRELAY_ASSIGN(const ReceiverStep step, receiver_.on_event(event));
  if (const auto* begin = std::get_if<BeginFile>(&step)) return begin_file(begin->name);
  if (const auto* stored = std::get_if<StoreEvent>(&step)) return store(*stored);
  if (const auto* compared = std::get_if<CompareEvent>(&step)) return compare(*compared);
  return Done{};
}

Status Ingest::begin_file(const std::string& name) {
  const auto catalog = log_.catalog();
  const auto& segments = catalog->segments();
  const auto known = std::find_if(segments.begin(), segments.end(), [&](const auto& segment) {
    return segment->source_name == name && segment->generation == segments.back()->generation;
  });
  if (!series_ && known != segments.end()) {
    return Error{Errc::conflict,
                 "the source begins " + name + " again, which the relay already has: its logs were reset"};
  }
  if (const auto last = catalog->newest()) {
    if (log_.in_group()) {
      logger_.warn(
          "the source's {} ends inside a transaction, as after a crash: its bytes are kept, consumers do not see them",
          last->source_name);
    }
    logger_.debug("{} is complete, {} begins", last->source_name, name);
  }
  unflushed_ = false;
  BINRELAY_TRY(log_.open_segment(name, series_));
  if (rules_) rules_->begin_segment(log_.active_segment(), name, series_ ? &series_->skip : nullptr);
  series_.reset();
  return Done{};
}

Status Ingest::store(const StoreEvent& step) {
  BINRELAY_CHECK(log_.appended_end() == step.offset, "the receiver and the log disagree about the next offset");
  if (rules_) BINRELAY_TRY(rules_->on_event(step.offset, step.event));
  if (auto appended = log_.append(step.event); !appended) {
    Error error = std::move(appended).error();
    if (error.code == Errc::malformed)
      error.context = receiver_.file() + ":" + std::to_string(step.offset) + ": " + error.context;
    return error;
  }
  on_stored();
  return Done{};
}

void Ingest::on_stored() {
  stored_anything_ = true;
  if (!unflushed_) unflushed_since_ = Clock::now();
  unflushed_ = true;
}

Result<std::size_t> Ingest::on_packets(Bytes packets) {
  std::size_t taken = 0;
  for (;;) {
    // Rules may change with any event.
    const auto run = receiver_.next_run(packets.subspan(taken), rules_ ? 1 : DumpReceiver::kMostAtOnce);
    if (run.empty() || (rules_ && rules_->wants_source())) break;
    BINRELAY_CHECK(log_.appended_end() == receiver_.offset(),
                   "the receiver and the log disagree about the next offset");
    if (rules_) BINRELAY_TRY(rules_->on_event(receiver_.offset(), run.front().bytes));
    BINRELAY_ASSIGN(const std::size_t stored, log_.append_run(run));
    for (const ArrivedEvent& event : run.first(stored)) {
      receiver_.pass(event);
      taken += kBeforeEvent + event.bytes.size();
    }
    if (stored < run.size()) break;
  }
  if (taken > 0) on_stored();
  return taken;
}

Status Ingest::compare(const CompareEvent& step) {
  BINRELAY_ASSIGN(const bool equal, log_.stored_bytes_equal(step.offset, step.event));
  if (!equal) return receiver_.differs(step.offset);
  if (rules_) BINRELAY_TRY(rules_->on_event(step.offset, step.event));
  return Done{};
}

Status Ingest::after_event(bool more_at_hand) {
  if (!unflushed_) return Done{};
  const bool inside = log_.in_group();
  // Also inside a group: whole ones may wait before it.
  if ((more_at_hand || inside) && Clock::now() - unflushed_since_ < kLongestDelay) return Done{};
  unflushed_ = false;
  return more_at_hand || inside ? log_.flush() : log_.flush_and_sync();
}

}  // namespace binrelay
