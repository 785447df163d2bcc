#include "relay/upstream/upstream_plan.h"

#include <algorithm>
#include <limits>

namespace binrelay {
namespace {

constexpr std::uint64_t kLargestDumpPosition = std::numeric_limits<std::uint32_t>::max();
constexpr const char* kStartOver =
    "; what the relay holds stays served; `binrelay switch-source` follows this source from now on, as a new history";
constexpr const char* kStartOverWithLoss =
    "; what the relay holds stays served; `binrelay switch-source --accept-loss-after GTID`, with the last transaction "
    "that both have, follows this source from now on, as a new history";

const BinlogFile* find_file(const SourceFacts& facts, const std::string& name) {
  const auto found =
      std::find_if(facts.files.begin(), facts.files.end(), [&](const BinlogFile& file) { return file.name == name; });
  return found == facts.files.end() ? nullptr : &*found;
}

std::string range_of(const SourceFacts& facts) { return facts.files.front().name + " to " + facts.files.back().name; }

// Whom the log was fed from last.
bool same_server(const SourceIdentity& recorded, const SourceIdentity& now) {
  return server_name(recorded) == server_name(now);
}

Error refuse_other_family(const SourceIdentity& recorded, const SourceIdentity& now) {
  return Error{Errc::refused, "the source is a " + std::string(to_text(now.flavour)) +
                                  " server, the relay's data came from a " + std::string(to_text(recorded.flavour)) +
                                  " server: what the relay holds stays served; a stream never changes its family, so "
                                  "follow this source with a new data_dir"};
}

std::string who(const SourceIdentity& identity) {
  return (identity.flavour == Flavour::mysql ? "server_uuid " : "server_id ") + server_name(identity);
}

// Another server than the one the log was fed from last.
Result<Plan> take_over(const PlanInput& input) {
  const SourceIdentity& now = input.facts.identity;
  const std::string other = "the source (" + who(now) +
                            ") is another server than the one the relay's data came from (" + who(*input.recorded) +
                            ")";
  if (now.flavour == Flavour::mysql && now.gtid_mode != "ON") {
    return Error{Errc::refused, other + ", and without gtid_mode=ON (it has " + now.gtid_mode +
                                    ") nothing shows whether it continues what the relay holds" + kStartOver};
  }
  switch (relation_of(input.executed, input.facts.executed)) {
    case Relation::continues:
      return Plan{TakeOver{input.executed}};
    case Relation::fewer:
      return Error{Errc::refused, other + " and has fewer transactions" +
                                      lacking_text(input.executed, input.facts.executed) +
                                      "; what the relay holds stays served; `binrelay export --missing-on` writes what "
                                      "it lacks as a binlog file for it, `binrelay switch-source --accept-loss-after` "
                                      "follows it without"};
    case Relation::foreign:
      return Error{Errc::refused,
                   other +
                       " and has none of the transactions the relay holds: a foreign source, or one whose logs "
                       "were reset" +
                       kStartOver};
    case Relation::unknown:
      break;
  }
  return Error{Errc::refused,
               other + ", and the relay holds no GTIDs that could show whether it continues them" + kStartOver};
}

// The operator's order, if it is about this source as it is now.
std::optional<Plan> ordered(const PlanInput& input) {
  if (!input.order || input.order->server != server_name(input.facts.identity)) return std::nullopt;
  if (input.recorded->flavour != input.facts.identity.flavour) return std::nullopt;
  GtidState lost = lacking(input.executed, input.facts.executed);
  if (!is_empty(lacking(lost, input.order->lost))) return std::nullopt;
  return Plan{StartOver{input.facts.files.front().name, std::move(lost)}};
}

Result<DumpFrom> resume(const HeldFile& held, const PlanInput& input) {
  const SourceFacts& facts = input.facts;
  const BinlogFile* const file = find_file(facts, held.name);
  if (!file) {
    return Error{Errc::refused,
                 "the source no longer has " + held.name + ", where the relay stopped at " + std::to_string(held.end) +
                     " (it has " + range_of(facts) + "): purged too early, or its logs were reset" +
                     lacking_text(input.executed, facts.executed) + start_over_text(input.executed, facts.executed)};
  }
  if (input.cut_short == held.name) {
    if (file == &facts.files.back()) {
      return Error{Errc::connection, "the source cannot send " + held.name + " past " + std::to_string(held.end) +
                                         " and has no newer file"};
    }
    return DumpFrom{
        file[1].name, kFirstEventOffset, false,
        held.name + " ends inside an event on the source, as after a crash; the relay goes on with " + file[1].name};
  }
  if (file->size < held.end) {
    return Error{Errc::refused, "the source's " + held.name + " ends at " + std::to_string(file->size) +
                                    ", the relay has stored it to " + std::to_string(held.end) +
                                    ": the source's logs were reset, or it lost transactions in a crash or a restore" +
                                    lacking_text(input.executed, facts.executed) +
                                    start_over_text(input.executed, facts.executed)};
  }
  if (held.group_begin <= kLargestDumpPosition) return DumpFrom{held.name, held.group_begin, false, ""};
  // Only a group commit of several giant transactions starts a group up there. COM_BINLOG_DUMP cannot name the place.
  if (facts.identity.gtid_mode == "ON") return DumpFrom{held.name, held.group_begin, true, ""};
  return DumpFrom{
      held.name, kFirstEventOffset, false,
      held.name +
          " is compared from its start: the last group begins past 4 GiB, which a file/position dump cannot name"};
}

struct FirstPlace {
  const SourceFacts& facts;

  Result<Plan> operator()(const StartOldest&) const {
    return Plan{DumpFrom{facts.files.front().name, kFirstEventOffset, false, ""}};
  }
  Result<Plan> operator()(const StartNow&) const {
    return Plan{DumpFrom{
        facts.end.file, kFirstEventOffset, false,
        "start = \"now\": the relay begins with the whole of " + facts.end.file + ", the source's current file"}};
  }
  Result<Plan> operator()(const StartFile& start) const {
    if (!find_file(facts, start.name)) {
      return Error{Errc::refused,
                   "the source has no " + start.name + " to start from (it has " + range_of(facts) + ")"};
    }
    return Plan{DumpFrom{start.name, kFirstEventOffset, false,
                         start.position == kFirstEventOffset
                             ? ""
                             : "the relay stores whole files: it begins at the start of " + start.name}};
  }
  Result<Plan> operator()(const StartGtid& start) const {
    if (facts.identity.flavour == Flavour::mysql && facts.identity.gtid_mode != "ON") {
      return Error{Errc::refused, "a start by GTID needs gtid_mode=ON on the source, which has " +
                                      facts.identity.gtid_mode + "; start = \"oldest\" works without"};
    }
    return Plan{FindFileByGtid{start.set}};
  }
  Result<Plan> operator()(const StartTime& start) const {
    return Plan{FindFileByTime{start.time.time_since_epoch().count()}};
  }
};

std::string gib(std::uint64_t bytes) {
  const std::uint64_t hundredths = bytes / (1ull << 30) * 100 + bytes % (1ull << 30) * 100 / (1ull << 30);
  const std::string fraction = std::to_string(hundredths % 100);
  return std::to_string(hundredths / 100) + (fraction.size() < 2 ? ".0" : ".") + fraction + " GiB";
}

}  // namespace

Relation relation_of(const GtidState& log, const GtidState& source) {
  if (is_empty(log)) return Relation::unknown;
  const GtidState missing = lacking(log, source);
  if (is_empty(missing)) return Relation::continues;
  if (const auto* mysql = std::get_if<MysqlGtidSet>(&log)) {
    return std::get<MysqlGtidSet>(missing).count() == mysql->count() ? Relation::foreign : Relation::fewer;
  }
  const auto* theirs = std::get_if<MariadbBinlogState>(&source);
  const auto list = std::get<MariadbBinlogState>(log).to_list();
  const bool shared = std::any_of(list.begin(), list.end(), [&](const MariadbGtid& gtid) {
    return theirs && theirs->sequence_of(gtid.domain, gtid.server).has_value();
  });
  return shared ? Relation::fewer : Relation::foreign;
}

std::string lacking_text(const GtidState& log, const GtidState& source) {
  constexpr std::size_t kLongest = 1000;
  std::string text = to_text(lacking(log, source));
  if (text.empty()) return "";
  if (text.size() > kLongest) text = text.substr(0, kLongest) + "…";
  // A MariaDB state tells how far each server got.
  if (std::holds_alternative<MysqlGtidSet>(log)) return ": it lacks " + text;
  return ": the relay has got to " + text + ", it has not";
}

std::string start_over_text(const GtidState& log, const GtidState& source) {
  return relation_of(log, source) == Relation::fewer ? kStartOverWithLoss : kStartOver;
}

Error refuse_purged(const SourceFacts& facts) {
  return Error{Errc::refused, "the source (" + who(facts.identity) +
                                  ") has every transaction the relay holds, but no longer has the ones that follow "
                                  "them in its binary logs (" +
                                  range_of(facts) + "): they were purged" + kStartOver + " that begins behind the gap"};
}

Result<Plan> plan_upstream(const PlanInput& input) {
  if (!input.held) return std::visit(FirstPlace{input.facts}, input.start);
  if (input.recorded) {
    if (auto plan = ordered(input)) return std::move(*plan);
    if (input.recorded->flavour != input.facts.identity.flavour)
      return refuse_other_family(*input.recorded, input.facts.identity);
    if (!same_server(*input.recorded, input.facts.identity)) return take_over(input);
  }
  BINRELAY_ASSIGN(DumpFrom from, resume(*input.held, input));
  return Plan{std::move(from)};
}

std::uint64_t bytes_from(const SourceFacts& facts, const std::string& first_file) {
  std::uint64_t total = 0;
  bool counting = false;
  for (const BinlogFile& file : facts.files) {
    counting = counting || file.name == first_file;
    if (counting) total += file.size;
  }
  return total;
}

Status check_room(const SourceFacts& facts, const std::string& first_file, std::uint64_t free_bytes, bool first) {
  const std::uint64_t needed = bytes_from(facts, first_file);
  if (needed <= free_bytes) return Done{};
  return Error{Errc::refused, "the source's files from " + first_file + " on have " + gib(needed) +
                                  ", the relay's data directory has " + gib(free_bytes) + " free: free some space" +
                                  (first ? ", or start later (source.start = \"now\")" : "")};
}

}  // namespace binrelay
