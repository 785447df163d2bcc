#pragma once
// GtidState: what a log contains, in the flavour's own terms: MySQL's set or MariaDB's binlog state.
#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "protocol/gtid/mariadb_gtid.h"
#include "protocol/gtid/mysql_gtid_set.h"

namespace binrelay {

using GtidState = std::variant<MysqlGtidSet, MariadbBinlogState>;
using AnyGtid = std::variant<MysqlGtid, MariadbGtid>;

std::string to_text(const GtidState& state);
std::string to_text(const AnyGtid& gtid);
// GTIDs that follow each other in a log, each of the same server (and domain or tag) and one more than that before it:
// what is learnt of thousands of groups is added at once.
struct GtidRun {
  AnyGtid first;
  std::uint64_t count = 1;
};
// Behind the last of `runs`, in its run if it continues it.
void append_gtid(std::vector<GtidRun>& runs, const AnyGtid& gtid);
void add(GtidState& state, const GtidRun& run);
// Adds a GTID of the same flavour; another flavour is a programmer error.
void add(GtidState& state, const AnyGtid& gtid);
GtidState empty_state(Flavour flavour);
bool is_empty(const GtidState& state);
// MariaDB: its server's sequence in the domain has got there.
bool contains(const GtidState& state, const AnyGtid& gtid);
// What of `wanted` is not in `held`. MariaDB: the last GTIDs of `wanted` that `held` has not got to.
GtidState lacking(const GtidState& wanted, const GtidState& held);
// What is held by who held `first` and has read a series of files up to where it contains `read`: transactions that are
// in both are one. Both of one flavour.
GtidState joined(const GtidState& first, const GtidState& read);

}  // namespace binrelay
