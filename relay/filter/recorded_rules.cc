#include "relay/filter/recorded_rules.h"

namespace binrelay {

RecordedRules read_recorded_rules(const std::vector<RulesRecorded>& records, RuleHistory* history) {
  RecordedRules read{{}, records.size()};
  for (const RulesRecorded& record : records) {
    if (record.complete || !record.rules.empty() || !record.removed.empty())
      history->add({record.at, record.complete, record.rules, record.removed});
    if (!record.note.empty()) history->explain(record.note);
    read.known_until = record.at;
  }
  if (history->newest() && history->report().reason == RuleHistory::kNotReadYet) history->explain("");
  return read;
}

}  // namespace binrelay
