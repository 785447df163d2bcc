#pragma once
// Reads the rule table from a source, without locks. Thread: upstream.
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/filter/rule_table.h"
#include "relay/filter/rule_history.h"
#include "relay/upstream/event_source.h"
#include "relay/upstream/source_facts.h"
#include "storage/journal/journal_record.h"

namespace binrelay {

inline constexpr std::size_t kMaxRules = 1u << 20;

struct RuleSnapshot {
  BinlogEnd before, after;  // the source's end before and after the rows were read
  std::vector<RuleTableColumn> layout;
  RuleRows rows;
  std::vector<std::string> notes;  // what of the table is ignored
};

// Errc::not_found: there is no such table; Errc::refused: it cannot be read, or is no rule table, with the remedy.
// Errc::connection: the source is gone.
Result<std::vector<RuleTableColumn>> read_rule_layout(EventSource& source, const RuleTableName& name);
Result<RuleSnapshot> read_rule_snapshot(EventSource& source, Flavour flavour, const RuleTableName& name);

}  // namespace binrelay
