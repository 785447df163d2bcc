#pragma once
// Finds the file a log begins with when the start place is a GTID position or a time. Each probe takes a connection of
// its own: a dump ends with its connection.
#include <cstdint>
#include <functional>
#include <string>

#include "relay/upstream/source_facts.h"

namespace binrelay {

// Connects `source` anew and prepares it for a dump.
using Reconnect = std::function<Status()>;

// The file that holds the first transaction behind `set`: the source names it itself. Leaves `source` in a dump.
Result<std::string> find_file_by_gtid(EventSource& source, Flavour flavour, const std::string& set, ServerId server_id);

// `state` as find_file_by_gtid() takes it.
std::string position_text(const GtidState& state);

// The newest file that was begun at `time` (unix seconds) or before; the oldest when all are younger.
Result<std::string> find_file_by_time(EventSource& source, const SourceFacts& facts, std::int64_t time,
                                      ServerId server_id, const Reconnect& reconnect);

}  // namespace binrelay
