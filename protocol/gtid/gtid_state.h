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

}  // namespace binrelay
