#pragma once
// Continuity: a file must begin with what the file before ended with; anything else is a gap, or another history.
#include <optional>
#include <string>

#include "protocol/gtid/gtid_state.h"

namespace binrelay {

// nullopt: `found`, the list at the start of a file, continues `expected`, what all files before contain. Otherwise the
// difference. MySQL: equal sets. MariaDB: equal binlog states, but for whole domains that are gone (FLUSH BINARY LOGS
// DELETE_DOMAIN_ID).
std::optional<std::string> continuity_break(const GtidState& expected, const GtidState& found);

// nullopt: `found`, the list at the start of the first file of a new series, presumes nothing that the log does not
// hold.
std::optional<std::string> series_break(const GtidState& held, const GtidState& found);

}  // namespace binrelay
