#include "relay/upstream/upstream_plan.h"

#include <algorithm>
#include <limits>

namespace binrelay {
namespace {

constexpr std::uint64_t kLargestDumpPosition = std::numeric_limits<std::uint32_t>::max();
constexpr const char* kStartOver =
    "; what the relay holds stays served; to follow this source from now on, start with a new data_dir";

const BinlogFile* find_file(const SourceFacts& facts, const std::string& name) {
  const auto found =
      std::find_if(facts.files.begin(), facts.files.end(), [&](const BinlogFile& file) { return file.name == name; });
  return found == facts.files.end() ? nullptr : &*found;
}

std::string range_of(const SourceFacts& facts) { return facts.files.front().name + " to " + facts.files.back().name; }

// The identity a log is tied to. Failover between sources is not in this version: another server is refused, never
// mixed in.
Status check_same_source(const SourceIdentity& recorded, const SourceIdentity& now) {
  const auto refuse = [](const std::string& what, const std::string& was, const std::string& is) -> Status {
    return Error{Errc::refused, "the source is another server than the one the relay's data came from: " + what +
                                    " was " + was + ", is " + is + kStartOver};
  };
  if (recorded.flavour != now.flavour) return refuse("it", to_text(recorded.flavour), to_text(now.flavour));
  if (now.flavour == Flavour::mysql) {
    if (recorded.server_uuid != now.server_uuid)
      return refuse("server_uuid", to_text(recorded.server_uuid), to_text(now.server_uuid));
  } else if (recorded.server_id != now.server_id) {
    return refuse("server_id", std::to_string(static_cast<std::uint32_t>(recorded.server_id)),
                  std::to_string(static_cast<std::uint32_t>(now.server_id)));
  }
  return Done{};
}

Result<DumpFrom> resume(const HeldFile& held, const PlanInput& input) {
  const SourceFacts& facts = input.facts;
  const BinlogFile* const file = find_file(facts, held.name);
  if (!file) {
    return Error{Errc::refused, "the source no longer has " + held.name + ", where the relay stopped at " +
                                    std::to_string(held.end) + " (it has " + range_of(facts) +
                                    "): purged too early, or its logs were reset" + kStartOver};
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
                                    kStartOver};
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

Result<Plan> plan_upstream(const PlanInput& input) {
  if (input.recorded) BINRELAY_TRY(check_same_source(*input.recorded, input.facts.identity));
  if (input.held) {
    BINRELAY_ASSIGN(DumpFrom from, resume(*input.held, input));
    return Plan{std::move(from)};
  }
  return std::visit(FirstPlace{input.facts}, input.start);
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

Status check_room(const SourceFacts& facts, const std::string& first_file, std::uint64_t free_bytes) {
  const std::uint64_t needed = bytes_from(facts, first_file);
  if (needed <= free_bytes) return Done{};
  return Error{Errc::refused, "the source's files from " + first_file + " on have " + gib(needed) +
                                  ", the relay's data directory has " + gib(free_bytes) +
                                  " free: free some space, or start later (source.start = \"now\")"};
}

}  // namespace binrelay
