#pragma once
// The rules of a log as its journal tells them, for whoever reads a data directory: with or without a relay on it.
#include <vector>

#include "relay/filter/rule_history.h"
#include "storage/journal/journal_record.h"

namespace binrelay {

struct RecordedRules {
  LogPosition known_until{};  // changes behind this place may stand in the log and not here: after a crash
  std::size_t records = 0;    // 0: the relay has never known any
};
// `history` is new.
RecordedRules read_recorded_rules(const std::vector<RulesRecorded>& records, RuleHistory* history);

}  // namespace binrelay
