#include "relay/upstream/upstream_session.h"

#include <spdlog/spdlog.h>

#include <algorithm>
#include <system_error>
#include <utility>

#include "relay/filter/rule_follower.h"
#include "relay/upstream/source_error.h"
#include "relay/upstream/start_search.h"

namespace binrelay {
namespace {

// So far from the source's end more is certain to come at once, and what has come is stored in large steps. Well above
// what the sizes of files can be wrong by.
constexpr std::uint64_t kFarBehind = 16u << 20;

}  // namespace

UpstreamSession::UpstreamSession(EventLog& log, EventSource& source, const UpstreamSettings& settings, Endpoint address,
                                 SessionObserver& observer, SemiSync& semi_sync, spdlog::logger& logger)
    : log_(log),
      source_(source),
      settings_(settings),
      address_(std::move(address)),
      observer_(observer),
      semi_sync_(semi_sync),
      logger_(logger) {}

SessionEnd UpstreamSession::run(const std::string& cut_short) {
  const Status ended = stream(cut_short);
  BINRELAY_CHECK(!ended.ok(), "a session ends for a reason");
  SessionEnd end = end_of(ended.error());
  source_.close();
  semi_sync_.end_dump();
  // What was received whole is kept whatever ended the connection.
  if (const auto flushed = log_.flush(); !flushed)
    end = {SessionEnd::Kind::log_failed,          flushed.error().context, "", streamed_, progressed_,
           flushed.error().code == Errc::no_space};
  if (end.kind == SessionEnd::Kind::log_failed && offered_) semi_sync_.withdraw(Clock::now());
  return end;
}

SessionEnd UpstreamSession::end_of(const Error& error) const {
  using Kind = SessionEnd::Kind;
  SessionEnd end{Kind::lost, error.context, "", streamed_, progressed_};
  if (!again_.empty()) {
    end.kind = Kind::again;
    end.reason = again_;
    return end;
  }
  if (!cut_short_file_.empty()) {
    end.kind = Kind::cut_short;
    end.place = cut_short_file_;
    return end;
  }
  switch (error.code) {
    case Errc::conflict:
      end.reason += start_over_text(executed(), facts_.executed);
      [[fallthrough]];
    case Errc::refused:
    case Errc::authentication:
    case Errc::unsupported:
      end.kind = Kind::refused;
      break;
    case Errc::io:
    case Errc::no_space:
      end.kind = Kind::log_failed;
      end.no_space = error.code == Errc::no_space;
      break;
    case Errc::malformed:
    case Errc::short_input:
    case Errc::checksum:
    case Errc::limit:
      end.kind = Kind::bad_event;
      end.place = bad_place_;
      if (bad_in_stored_)
        end.reason +=
            "; the relay holds other, sound bytes of that place: the source's logs were probably reset or restored";
      break;
    case Errc::connection:
    case Errc::not_found:
    case Errc::stopped:
      break;
  }
  return end;
}

Status UpstreamSession::stream(const std::string& cut_short) {
  BINRELAY_TRY(open_connection());
  BINRELAY_ASSIGN(facts_, read_source_facts(source_));
  BINRELAY_TRY(prepare());
  BINRELAY_ASSIGN(const DumpFrom from, choose_place(cut_short));
  if (!series_) BINRELAY_TRY(record_identity());
  if (settings_.rules != nullptr) {
    BINRELAY_TRY(settings_.rules->consult(source_, facts_.identity.flavour));
    if (!series_) settings_.rules->resume();
  }
  offer_semi_sync(from);
  BINRELAY_TRY(start_dump(from));
  Ingest ingest(log_, dump_start(from), series_, logger_, settings_.rules);
  Status ended = receive(ingest);
  progressed_ = ingest.stored_anything();
  bad_place_ = ingest.receiver().place();
  bad_in_stored_ = dump_start(from).stored && ingest.receiver().file() == from.file &&
                   ingest.receiver().offset() < log_.appended_end();
  return ended;
}

Status UpstreamSession::open_connection() {
  BINRELAY_TRY(source_.connect());
  if (observer_.stopping()) return Error{Errc::stopped, "stopping"};
  return Done{};
}

Status UpstreamSession::prepare() {
  return prepare_dump_session(source_, facts_.identity.flavour, log_.relay_uuid(), settings_.source.heartbeat_ms);
}

ServerId UpstreamSession::server_id() const {
  return settings_.source.server_id == ServerId{} ? log_.relay_server_id() : settings_.source.server_id;
}

// What the log holds, with what came before it. MySQL: also what the first source never had in a binlog.
GtidState UpstreamSession::executed() const {
  GtidState held = log_.executed();
  const auto recorded = log_.source();
  auto* set = std::get_if<MysqlGtidSet>(&held);
  if (!set || !recorded) return held;
  if (const auto purged = MysqlGtidSet::parse(recorded->gtid_purged_at_start)) set->add(*purged);
  return held;
}

Result<PlanInput> UpstreamSession::plan_input(const std::string& cut_short) {
  PlanInput input{.held = std::nullopt,
                  .recorded = log_.source(),
                  .facts = facts_,
                  .start = settings_.source.start,
                  .cut_short = cut_short};
  const auto resume = log_.resume_point();
  if (!resume) return input;
  input.held = HeldFile{resume->segment->source_name, resume->group_begin, resume->end};
  BINRELAY_TRY(log_.sync());  // what is compared below shows only what is visible
  input.executed = executed();
  if (settings_.data_directory.empty()) return input;
  BINRELAY_ASSIGN(order_, read_switch_order(settings_.data_directory));
  const auto newest = log_.catalog()->newest();
  if (order_ && newest && raw(newest->number) != order_->segment) {
    BINRELAY_TRY(remove_switch_order(settings_.data_directory));  // it was carried out, or has become meaningless
    order_.reset();
  }
  input.order = order_ ? &*order_ : nullptr;
  return input;
}

SeriesBegin UpstreamSession::next_series(GtidState skip, std::optional<SeriesBegin::NewHistory> history) const {
  SeriesBegin series{facts_.identity, std::move(skip), std::move(history)};
  if (!series.history) series.source.gtid_purged_at_start = log_.source()->gtid_purged_at_start;
  return series;
}

// Of another source of the same history: the one that holds the first transaction behind `held`.
Result<std::string> UpstreamSession::file_behind(const GtidState& held) {
  auto file = find_file_by_gtid(source_, facts_.identity.flavour, position_text(held), server_id());
  if (!file && trouble_of(source_.server_error(), file.error().context) == SourceTrouble::place_gone)
    return refuse_purged(facts_);
  return file;
}

Result<DumpFrom> UpstreamSession::choose_place(const std::string& cut_short) {
  BINRELAY_ASSIGN(const PlanInput input, plan_input(cut_short));
  BINRELAY_ASSIGN(const Plan plan, plan_upstream(input));

  DumpFrom from;
  const auto reconnect = [this]() -> Status {
    BINRELAY_TRY(open_connection());
    return prepare();
  };
  if (const auto* known = std::get_if<DumpFrom>(&plan)) {
    from = *known;
  } else if (const auto* over = std::get_if<StartOver>(&plan)) {
    from.file = over->file;
    series_ = next_series(empty_state(facts_.identity.flavour),
                          SeriesBegin::NewHistory{"binrelay switch-source", over->abandoned});
  } else {
    if (const auto* take_over = std::get_if<TakeOver>(&plan)) {
      BINRELAY_ASSIGN(from.file, file_behind(take_over->held));
      series_ = next_series(take_over->held, std::nullopt);
    } else if (const auto* by_gtid = std::get_if<FindFileByGtid>(&plan)) {
      BINRELAY_ASSIGN(from.file, find_file_by_gtid(source_, facts_.identity.flavour, by_gtid->set, server_id()));
    } else if (const auto* by_time = std::get_if<FindFileByTime>(&plan)) {
      BINRELAY_ASSIGN(from.file, find_file_by_time(source_, facts_, by_time->time, server_id(), reconnect));
    }
    BINRELAY_TRY(reconnect());
  }
  if ((!input.held || series_) && !settings_.data_directory.empty()) {
    std::error_code failed;
    const auto space = std::filesystem::space(settings_.data_directory, failed);
    if (!failed) BINRELAY_TRY(check_room(facts_, from.file, space.available, !input.held));
  }
  return from;
}

Status UpstreamSession::record_identity() {
  const auto recorded = log_.source();
  SourceIdentity identity = facts_.identity;
  if (recorded && log_.resume_point()) identity.gtid_purged_at_start = recorded->gtid_purged_at_start;
  if (recorded == identity) return Done{};
  BINRELAY_TRY(log_.record_source(identity));
  observer_.on_identity_recorded();
  return Done{};
}

// The watch has seen others.
Status UpstreamSession::follow_settings() {
  std::optional<SourceIdentity> changed = observer_.changed_identity();
  if (!changed || series_ || server_name(*changed) != server_name(facts_.identity)) return Done{};
  facts_.identity = std::move(*changed);
  return record_identity();
}

DumpStart UpstreamSession::dump_start(const DumpFrom& from) const {
  DumpStart start{from.file, from.position, std::nullopt};
  const auto resume = log_.resume_point();
  if (resume && !series_ && resume->segment->source_name == from.file)
    start.stored = StoredFile{resume->end, resume->segment->format_description};
  return start;
}

Status UpstreamSession::start_dump(const DumpFrom& from) {
  auto registered = source_.register_replica(server_id(), settings_.report_host, settings_.report_port);
  if (!registered) return explained(std::move(registered).error(), source_.server_error(), facts_.identity.flavour);
  BinlogDump dump{.file = from.file, .position = from.position, .server_id = server_id(), .semi_sync = offered_};
  if (from.by_gtid) {
    // A set of nothing but purged transactions: enough to be let in, and no group of an existing file is left out.
    BINRELAY_ASSIGN(const MysqlGtidSet purged, MysqlGtidSet::parse(facts_.identity.gtid_purged_at_start));
    dump.gtids = purged.encode();
  }
  BINRELAY_TRY(source_.start_dump(dump));
  announce(from);
  return Done{};
}

void UpstreamSession::announce(const DumpFrom& from) const {
  if (!from.note.empty()) logger_.info("{}", from.note);
  const SourceIdentity& identity = facts_.identity;
  const std::string who = (identity.flavour == Flavour::mysql ? "server_uuid " : "server_id ") + server_name(identity);
  const std::uint64_t ahead = bytes_from(facts_, from.file);
  logger_.info("connected to {}, {} {}, {}: reading from {}:{}, {} bytes behind its end", to_text(address_),
               to_text(identity.flavour), identity.version, who, from.file, from.position,
               ahead > from.position ? ahead - from.position : 0);
}

void UpstreamSession::offer_semi_sync(const DumpFrom& from) {
  const std::uint64_t ahead = bytes_from(facts_, from.file);
  behind_ = ahead > from.position ? ahead - from.position : 0;
  offered_ = semi_sync_.begin_dump(behind_, Clock::now());
  if (offered_) store_watch_.emplace(source_, semi_sync_.max_sync());
}

Status UpstreamSession::come_again(std::string why) {
  again_ = std::move(why);
  return Error{Errc::stopped, again_};
}

Status UpstreamSession::take_offer_back(Clock::duration took, const char* what) {
  semi_sync_.withdraw(Clock::now());
  logger_.warn("semi-sync withdrawn: {} took {} ms, more than semi_sync_max_sync_ms", what,
               std::chrono::duration_cast<std::chrono::milliseconds>(took).count());
  return come_again("it goes on without acknowledging transactions");
}

// One acknowledgement covers everything before it, so it waits while more comes in.
Status UpstreamSession::acknowledge(const Ingest& ingest, bool more_at_hand, Clock::time_point received) {
  constexpr std::chrono::milliseconds kLongestDelay{5};
  const auto now = Clock::now();
  // While it does not wait for anybody, a source also asks inside of groups.
  if (source_.ack_asked() && !log_.in_group()) {
    if (!ack_due_) ack_due_since_ = received;
    ack_due_.emplace(ingest.receiver().file(), ingest.receiver().offset());
  }
  if (!ack_due_) {
    const bool with_the_source = behind_ == 0 && !more_at_hand && !log_.in_group();
    if (semi_sync_.active() || !with_the_source || !semi_sync_.should_come_again(now)) return Done{};
    return come_again("it is with the source now, and offers to acknowledge transactions");
  }
  if (more_at_hand && now - ack_due_since_ < kLongestDelay) return Done{};
  BINRELAY_ASSIGN(const bool durable, log_.sync_within(semi_sync_.max_sync()));
  const auto took = Clock::now() - ack_due_since_;
  if (durable) {
    const Status told = source_.acknowledge(ack_due_->first, ack_due_->second);
    if (!told && took <= semi_sync_.max_sync()) return told;  // else the watch has ended the connection
    if (told) semi_sync_.on_acknowledged();
  }
  ack_due_.reset();
  if (durable && took <= semi_sync_.max_sync()) return Done{};
  return take_offer_back(took, "bringing a transaction to stable storage");
}

// The log has begun it.
Status UpstreamSession::tell_of_series(const std::string& first_file) {
  const bool new_history = series_->history.has_value();
  logger_.warn("{} begins with the source's {}: {}", new_history ? "a new history" : "a new generation", first_file,
               new_history ? "consumers of what came before cannot go on"
                           : "another server took over, and consumers go on across it");
  series_.reset();
  observer_.on_identity_recorded();
  if (!settings_.data_directory.empty()) return remove_switch_order(settings_.data_directory);
  return Done{};
}

// What has been read along with the last event, as far as it is events of the kind that most are.
Status UpstreamSession::receive_run(Ingest& ingest) {
  const Bytes packets = source_.packets_at_hand();
  if (packets.empty()) return Done{};
  const std::uint64_t before = ingest.receiver().offset();
  BINRELAY_ASSIGN(const std::size_t taken, ingest.on_packets(packets));
  source_.pass_over(taken);
  behind_ -= std::min<std::uint64_t>(behind_, ingest.receiver().offset() - before);
  return Done{};
}

Status UpstreamSession::receive(Ingest& ingest) {
  while (true) {
    auto event = source_.next_event();
    if (!event) {
      const std::uint32_t number = source_.server_error();
      const bool at_end = !ingest.receiver().file().empty() && ingest.receiver().offset() >= log_.appended_end();
      if (facts_.identity.flavour == Flavour::mariadb && at_end &&
          trouble_of(number, event.error().context) == SourceTrouble::file_cut_short) {
        cut_short_file_ = ingest.receiver().file();
      }
      return explained(std::move(event).error(), number, facts_.identity.flavour);
    }
    // Asked for every event, so only where somebody may wait for an acknowledgement.
    const auto received = semi_sync_.wanted() ? Clock::now() : Clock::time_point();
    if (store_watch_ && semi_sync_.active()) store_watch_->begin(received);
    behind_ -= std::min<std::uint64_t>(behind_, event->size());
    BINRELAY_TRY(ingest.on_event(*event));
    if (series_ && !ingest.series_pending()) BINRELAY_TRY(tell_of_series(ingest.receiver().file()));
    if (!std::exchange(streamed_, true)) {
      observer_.on_streaming();
      if (offered_) semi_sync_.on_taken(source_.semi_sync_taken(), Clock::now());
      if (offered_ && !source_.semi_sync_taken())
        logger_.warn(
            "the source knows no semi-synchronous replication: its plugin is not loaded (or this binary was built with "
            "a client library that cannot take part); going on without");
    }
    if (!semi_sync_.active()) BINRELAY_TRY(receive_run(ingest));
    if (settings_.rules != nullptr && settings_.rules->wants_source())
      return come_again("the source is asked about the rule table");
    observer_.on_received();
    const bool more_at_hand = behind_ > kFarBehind || source_.more_at_hand();
    BINRELAY_TRY(ingest.after_event(more_at_hand));
    if (semi_sync_.wanted()) BINRELAY_TRY(acknowledge(ingest, more_at_hand, received));
    // A file that begins, or more than 64 MiB that are not durable, wait for the disk, and what comes behind them waits
    // along.
    if (semi_sync_.active()) {
      const auto took = Clock::now() - received;
      if (took > semi_sync_.max_sync()) BINRELAY_TRY(take_offer_back(took, "storing an event"));
    }
    if (store_watch_) store_watch_->end();
    // A sync fails when it likes, and the source may have nothing more to say.
    if (log_.failed()) return *log_.failure();
    BINRELAY_TRY(follow_settings());
  }
}

}  // namespace binrelay
