#pragma once
// GroupSkip: which groups of the log a consumer does not want because it has them already, decided group by group, and
// where it asked to stop. By MySQL's GTID set, by MariaDB's position per domain, or not at all (file and position).
// Thread: the session's. Owner: DumpPlan, then the dump.
// Use: on_group() at every GTID event, and then the same decision for all events of that group; take_progress() at the
// first event behind a skipped group; ends_here() behind the first FDE and at the first event behind any group.
// Sources: what MySQL 9.7 and MariaDB 10.11/11.8 send; MariaDB server sql/sql_repl.cc, send_event_to_slave.
#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <variant>
#include <vector>

#include "protocol/gtid/gtid_state.h"
#include "protocol/gtid/mariadb_gtid.h"
#include "protocol/gtid/mysql_gtid_set.h"
#include "protocol/packet/replies.h"

namespace binrelay {

enum class SkipDecision : std::uint8_t {
  send,
  skip,
  refuse,  // MariaDB: the log cannot give what was asked for; refusal() is the error the dump ends with
};

class GroupSkip {
 public:
  GroupSkip() = default;  // sends everything
  // COM_BINLOG_DUMP_GTID: groups in `had` are skipped.
  static GroupSkip behind_set(MysqlGtidSet had);

  using GtidByDomain = std::map<std::uint32_t, MariadbGtid>;
  struct MariadbStart {
    // @slave_connect_state: in each domain groups are skipped until that GTID has passed.
    GtidByDomain had{};
    // Domains of `had` the log knew nothing of when the dump began.
    std::set<std::uint32_t> empty_domains{};
    // @slave_until_gtid: nothing behind these is sent, and of other domains nothing at all.
    std::optional<GtidByDomain> until{};
    // With `until`: what the files before the first one contained.
    MariadbBinlogState passed{};
    // @slave_gtid_strict_mode: a GTID of `had` that is a hole in the log is an error.
    bool strict = false;
  };
  static GroupSkip behind_position(MariadbStart start);

  bool by_gtid() const { return !std::holds_alternative<Everything>(rule_); }
  // MariaDB: false while the log is before what the consumer has already. Domains the log knew nothing of do not count.
  bool position_reached() const;

  // ends_here() may come true.
  bool may_end() const;

  // nullopt: an anonymous group. It is always sent; a dump by MySQL GTIDs refuses it before asking.
  SkipDecision on_group(const std::optional<AnyGtid>& gtid);
  // Of `groups` groups, whose GTIDs are `added`, each is skipped, whatever is asked about the others: they need not be
  // looked at. Only a dump by MySQL's set knows.
  bool skips_all(const GtidState& added, std::uint64_t groups) const;
  const std::optional<SqlError>& refusal() const { return refusal_; }

  // MariaDB: the list of an artificial GTID_LIST event that is due behind the skipped group that has just ended; empty:
  // none is due. Log position of that event: the end of the skipped group. MySQL says the same with a heartbeat, which
  // is the dump's business.
  std::vector<MariadbGtid> take_progress();

  // MariaDB: every domain of @slave_until_gtid has been reached. The dump sends one more artificial GTID_LIST of
  // until_list() with kUntilReached, then EOF.
  bool ends_here() const;
  std::vector<MariadbGtid> until_list() const;
  static constexpr std::uint8_t kUntilReached = 1;  // list flags

 private:
  struct Everything {};
  struct BySet {
    MysqlGtidSet had;
  };
  // A domain leaves `waiting_for` when its start has been reached, and `until` when its end has.
  struct ByPosition {
    GtidByDomain waiting_for;
    std::set<std::uint32_t> empty_domains;
    std::optional<GtidByDomain> until;
    MariadbBinlogState passed;  // every GTID seen, sent or not
    bool strict = false;
    bool progress_due = false;
  };
  SkipDecision on_group(ByPosition& rule, const MariadbGtid& gtid);
  SkipDecision before_start(ByPosition& rule, const MariadbGtid& gtid);
  static SkipDecision before_end(ByPosition& rule, const MariadbGtid& gtid);

  std::variant<Everything, BySet, ByPosition> rule_;
  std::optional<SqlError> refusal_;
};

}  // namespace binrelay
