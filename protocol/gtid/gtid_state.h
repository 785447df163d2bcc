#pragma once
// GtidState: what a log contains, in the flavour's own terms: MySQL's set or MariaDB's binlog state.
#include <string>
#include <variant>

#include "protocol/gtid/mariadb_gtid.h"
#include "protocol/gtid/mysql_gtid_set.h"

namespace binrelay {

using GtidState = std::variant<MysqlGtidSet, MariadbBinlogState>;
using AnyGtid = std::variant<MysqlGtid, MariadbGtid>;

std::string to_text(const GtidState& state);
std::string to_text(const AnyGtid& gtid);
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
