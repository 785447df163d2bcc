#pragma once
// The functions of SELECT this server has, in one table. Names in lower case.
#include <string_view>
#include <vector>

#include "relay/commands/expression_value.h"

namespace binrelay {

// 1305 for a function that does not exist on the source's flavour, 1582 for a wrong number of arguments.
Evaluated call_function(const FunctionCall& call, const std::vector<ExpressionValue>& arguments, const RelayView& relay,
                        const SessionState& session);

// MariaDB's binlog_gtid_pos(): the position a replica has that has read `file` up to `offset`. nullopt: no such file,
// or no event begins or ends there. Reads the file from its start: O(offset).
std::optional<MariadbPosition> gtid_position_at(const EventLog& log, std::string_view file, std::uint64_t offset);

}  // namespace binrelay
