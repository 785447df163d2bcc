#pragma once
// GroupSkip: which groups of the log a consumer does not want because it has them already, decided group by group, and where it asked to
// stop. By MySQL's GTID set, by MariaDB's position per domain, or not at all (file and position).
// Thread: the session's. Owner: DumpPlan, then the dump.
// Use: on_group() at every GTID event, and then the same decision for all events of that group; take_progress() at the first event behind a
// skipped group; ends_here() at the first event behind any group.
#include <cstdint>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "protocol/gtid/gtid_state.h"
#include "protocol/gtid/mariadb_gtid.h"
#include "protocol/gtid/mysql_gtid_set.h"

namespace binrelay {

enum class SkipDecision : std::uint8_t { send, skip };

class GroupSkip {
 public:
  GroupSkip() = default;  // sends everything
  // COM_BINLOG_DUMP_GTID: groups in `had` are skipped.
  static GroupSkip behind_set(MysqlGtidSet had);
  // @slave_connect_state: in each of its domains groups are skipped until that GTID has passed. @slave_until_gtid: in each of its domains
  // nothing behind that GTID is sent, other domains are not sent at all.
  static GroupSkip behind_position(MariadbPosition had, std::optional<MariadbPosition> until);

  bool by_gtid() const { return !std::holds_alternative<Everything>(rule_); }

  // nullopt: an anonymous group. It is always sent; a dump by MySQL GTIDs refuses it before asking.
  SkipDecision on_group(const std::optional<AnyGtid>& gtid);

  // MariaDB: the list of an artificial GTID_LIST event that is due behind the skipped group that has just ended; empty: none is due. Log
  // position of that event: the end of the skipped group. MySQL says the same with a heartbeat, which is the dump's business.
  std::vector<MariadbGtid> take_progress();

  // MariaDB: every domain of @slave_until_gtid has been reached. The dump sends one more artificial GTID_LIST of until_list() with
  // kUntilReached, then EOF.
  bool ends_here() const;
  std::vector<MariadbGtid> until_list() const;
  static constexpr std::uint8_t kUntilReached = 1;  // list flags

 private:
  struct Everything {};
  struct BySet {
    MysqlGtidSet had;
  };
  struct ByPosition {
    MariadbPosition waiting_for;               // domains whose start has not been reached
    std::optional<MariadbPosition> until;      // domains whose end has not been reached
    MariadbBinlogState passed;                 // every GTID seen, sent or not
    bool progress_due = false;
  };
  static SkipDecision on_mariadb_group(ByPosition& rule, const MariadbGtid& gtid);

  std::variant<Everything, BySet, ByPosition> rule_;
};

}  // namespace binrelay
