#pragma once
// The decision at the start of every connection: where to dump from, or why not. Pure: a table over what the log holds,
// what was recorded of the source, and what the source says now.
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "relay/config/relay_config.h"
#include "relay/upstream/source_facts.h"
#include "relay/upstream/switch_order.h"
#include "storage/source_identity.h"

namespace binrelay {

// What the log holds of the file it was fed from last.
struct HeldFile {
  std::string name;
  std::uint64_t group_begin =
      kFirstEventOffset;                  // start of the last stored group: what is resent from there is compared
  std::uint64_t end = kFirstEventOffset;  // end of what is stored
};

struct PlanInput {
  std::optional<HeldFile> held;  // nullopt: the log is empty
  std::optional<SourceIdentity> recorded;
  const SourceFacts& facts;
  const StartPlace& start;             // for an empty log
  std::string cut_short;               // a file the source could not send to its end; "" = none
  GtidState executed{};                // by the log, with what came before it
  const SwitchOrder* order = nullptr;  // the operator's, not carried out yet; nullptr = none
};

struct DumpFrom {
  std::string file;
  std::uint64_t position = kFirstEventOffset;
  bool by_gtid =
      false;  // position needs the 64 bits of COM_BINLOG_DUMP_GTID; nothing may be left out by the set sent with it
  std::string note;  // worth a line in the log; "" = nothing
};
struct FindFileByGtid {
  std::string set;
};
struct FindFileByTime {
  std::int64_t time = 0;
};
// Another source of the same history: a new generation begins with the file that holds the first transaction behind
// `held`.
struct TakeOver {
  GtidState held;
};
// A new history, as the operator ordered: it begins with the source's oldest file.
struct StartOver {
  std::string file;
  GtidState abandoned;
};
using Plan = std::variant<DumpFrom, FindFileByGtid, FindFileByTime, TakeOver, StartOver>;

// How a source's transactions stand to those of the log.
enum class Relation : std::uint8_t {
  continues,  // it has all of the log's
  fewer,      // it has some of them
  foreign,    // it has none of them
  unknown,    // the log has no GTIDs to compare
};
Relation relation_of(const GtidState& log, const GtidState& source);
// "" when nothing is lacking, else ": it lacks …".
std::string lacking_text(const GtidState& log, const GtidState& source);

// What is left to do about a source that does not continue the log: "; … `binrelay switch-source …` …", as that command
// takes it.
std::string start_over_text(const GtidState& log, const GtidState& source);

// Another source of the same history, which cannot send what follows the log.
Error refuse_purged(const SourceFacts& facts);

// Errc::refused: the operator has to decide; the context says what differs and the remedy.
// Errc::connection: try again later.
Result<Plan> plan_upstream(const PlanInput& input);

// Errc::refused when the files from `first_file` on do not fit into `free_bytes`. `first`: the log is empty.
Status check_room(const SourceFacts& facts, const std::string& first_file, std::uint64_t free_bytes, bool first);

std::uint64_t bytes_from(const SourceFacts& facts, const std::string& first_file);

}  // namespace binrelay
