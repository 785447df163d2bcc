#pragma once
// PURGE BINARY LOGS: which files it means, who may say it, and what the client is told, in the words of the source's
// flavour (seen on MySQL 9.7, MariaDB 10.11 and 11.8).
// Thread: one that may wait for the disk.
#include "relay/commands/statement_answers.h"

namespace binrelay {

// May leave warnings in `session`.
Answer answer_purge(const PurgeBinaryLogsStatement& statement, const RelayView& relay, SessionState& session);

}  // namespace binrelay
