#pragma once
// The system variables the relay answers for, as @@x, SHOW VARIABLES and SET see them. The relay shows itself as its
// source: what it does not know better comes from the source, then from a default. system_variables.cc holds one table
// a domain.
// Thread: any; no state of its own.
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "protocol/packet/replies.h"
#include "protocol/sql/statement.h"
#include "relay/commands/session_state.h"
#include "relay/commands/statement_answers.h"

namespace binrelay {

enum class VariableKind : std::uint8_t {
  text,
  number,
  on_off,  // SHOW prints ON or OFF, SELECT @@x yields 1 or 0
};

enum class VariableReach : std::uint8_t {
  read_only,  // nobody sets it here
  global,     // set by SET GLOBAL on a real server; refused here
  session,    // SET x = … is kept for the connection
};

struct VariableValue {
  std::string name;
  VariableKind kind = VariableKind::text;
  VariableReach reach = VariableReach::read_only;
  std::string text;  // as SHOW prints it
};

// nullopt: no such variable on the source's flavour. VariableScope::global passes over what the session has set.
std::optional<VariableValue> find_variable(std::string_view name, VariableScope scope, const RelayView& relay,
                                           const SessionState& session);
// 1227 for what tells of the log (names, positions, GTIDs) when the account has no right to the log.
std::optional<SqlError> variable_denied(std::string_view name, const RelayView& relay, const SessionState& session);
// All of them whose name fits and that the account may see, by name.
std::vector<VariableValue> list_variables(VariableScope scope, const NameFilter& filter, const RelayView& relay,
                                          const SessionState& session);

// SET [SESSION] name = value; nullopt: NULL. `DEFAULT` takes back what was set.
struct VariableDefault {};
using NewVariableValue = std::variant<VariableDefault, std::optional<std::string>>;
std::optional<SqlError> set_session_variable(std::string_view name, const NewVariableValue& value,
                                             const RelayView& relay, SessionState& session);
// SET NAMES
std::optional<SqlError> set_names(const SetNamesStatement& names, SessionState& session);

inline constexpr std::size_t kMaxSessionVariableSize = 64u << 10;

}  // namespace binrelay
