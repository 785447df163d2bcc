// binrelay switch-source: the operator's word that a stream follows a source its log does not continue.
#include <cstdio>

#include "relay/upstream/switch_order.h"
#include "tools/console.h"
#include "tools/source_comparison.h"
#include "tools/subcommands.h"

namespace binrelay {
namespace {

Status check_order(const SourceComparison& compared, const std::string& accepted) {
  const std::string where = to_text(compared.address);
  const bool same_server = server_name(compared.recorded) == server_name(compared.facts.identity);
  if (compared.relation == Relation::continues && !same_server) {
    BINRELAY_ASSIGN(const bool goes_on, sends_what_follows(compared));
    if (!goes_on) return Done{};
    return Error{Errc::refused,
                 where +
                     " has every transaction the relay holds: the relay follows it without this command, as soon as "
                     "source.host or source.sources names it"};
  }
  if (compared.relation != Relation::fewer) return Done{};
  const std::string lost = where + " lacks " + to_text(compared.missing) + " of what the relay holds";
  if (accepted.empty()) {
    return Error{Errc::refused, lost + ": `binrelay export --missing-on " + where +
                                    "` writes them for it; --accept-loss-after GTID, with the last transaction that is "
                                    "kept, gives them up"};
  }
  if (const auto wrong = judge_accepted_loss(compared, accepted)) return Error{Errc::refused, lost + "; " + *wrong};
  return Done{};
}

}  // namespace

int switch_source(const SourceChangeOptions& options) {
  const auto compared = compare_source(options);
  if (!compared.ok()) return problem(compared.error());
  if (const Status checked = check_order(*compared, options.accept_loss_after); !checked.ok())
    return problem(checked.error());

  const SwitchOrder order{raw(compared->archive.catalog().newest()->number), server_name(compared->facts.identity),
                          compared->missing};
  if (const Status written = write_switch_order(compared->directory, order); !written.ok())
    return problem(written.error());
  const std::string lost = to_text(compared->missing);
  const bool behind_a_gap =
      compared->relation == Relation::continues && order.server != server_name(compared->recorded);
  const char* const kept = behind_a_gap ? "Nothing is given up; what the source did after it and has purged is missing."
                                        : "Nothing is given up.";
  std::printf(
      "Stream '%s' will follow %s from its oldest file, %s, as a new history. %s%s\n"
      "Build the replicas of what the relay holds now anew from the source: one that reads on by file, or has a\n"
      "transaction that is given up, is refused with error 1236. One that was away and asks by GTID cannot be told\n"
      "where the source has given the same numbers out again: do not let it go on.\n"
      "A running relay does it at its next attempt, within half a minute; another when it starts.\n",
      compared->stream.name.c_str(), to_text(compared->address).c_str(), compared->facts.files.front().name.c_str(),
      lost.empty() ? kept : "Given up: ", lost.c_str());
  return kExitOk;
}

}  // namespace binrelay
