#pragma once
// What an expression of SELECT or SET yields.
// Thread: any; pure but for clock, random numbers and the log's files (binlog_gtid_pos).
#include <cstdint>
#include <optional>
#include <string>
#include <variant>

#include "protocol/packet/replies.h"
#include "protocol/sql/statement.h"
#include "relay/commands/session_state.h"
#include "relay/commands/statement_answers.h"

namespace binrelay {

enum class ValueType : std::uint8_t { text, integer, decimal };

struct ExpressionValue {
  std::optional<std::string> text;  // nullopt: NULL
  ValueType type = ValueType::text;
};
using Evaluated = std::variant<ExpressionValue, SqlError>;

Evaluated evaluate(const Expression& expression, const RelayView& relay, const SessionState& session);

}  // namespace binrelay
