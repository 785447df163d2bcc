#pragma once
// StatementAnswers: what the relay answers to each statement, from its own state. The tables of variables live in
// system_variables.cc.
// Thread: any; holds no state of its own. Borrows: everything in RelayView outlives it.
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/limits.h"
#include "protocol/packet/replies.h"
#include "protocol/sql/statement.h"
#include "relay/commands/replica_registry.h"
#include "relay/commands/session_state.h"
#include "relay/passthrough/metadata_plan.h"
#include "storage/event_log.h"

namespace binrelay {

class Housekeeper;
struct ReplicaStatus;

// What the answers look at.
struct RelayView {
  const EventLog* log = nullptr;
  ReplicaRegistry* registry = nullptr;
  std::shared_ptr<const SourceIdentity> source;  // whom the relay shows itself as
  std::int64_t started_at = 0;                   // unix seconds
  Housekeeper* housekeeper = nullptr;            // performs PURGE
  std::function<ReplicaStatus()> upstream{};     // how the relay stands with its source; none: nobody is told
};

// What the user variables of a connection, the row of a SELECT or the arguments of a function may add up to.
inline constexpr std::size_t kMaxExpressionBytes = 2 * kMaxUserVariableSize;

struct OkAnswer {};
struct UseDatabaseAnswer {
  std::string database;
};
// The session performs it, then says OK.
struct KillAnswer {
  std::uint32_t connection_id = 0;
  bool query_only = false;
};
// The session streams them.
struct BinlogEventsAnswer {
  ShowBinlogEventsStatement request;
};
// The source is asked for them.
struct MetadataAnswer {
  MetadataRequest request;
};
using Answer =
    std::variant<OkAnswer, ResultSet, SqlError, UseDatabaseAnswer, KillAnswer, BinlogEventsAnswer, MetadataAnswer>;

// May change `session`'s variables (SET).
Answer answer_statement(const Statement& statement, const RelayView& relay, SessionState& session);
// COM_QUERY: parse, then answer; a parse error is 1064 with the source flavour's text.
Answer answer_query(std::string_view text, const RelayView& relay, SessionState& session);
// True when answering may wait for the disk (binlog_gtid_pos reads files, PURGE removes some): a case for a thread that
// may.
bool may_wait_for_disk(std::string_view query);
// Databases a connection may name (COM_INIT_DB, USE, at login): "", information_schema and mysql. Nothing is in them.
bool is_known_database(std::string_view name);
// COM_STATISTICS' one line.
std::string statistics_line(const RelayView& relay);

}  // namespace binrelay
