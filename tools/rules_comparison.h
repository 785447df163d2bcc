#pragma once
// What the rules of a file would have let out of a stretch of the log, beside those in force now.
#include "protocol/result.h"
#include "tools/chosen_rules.h"

namespace binrelay {

// Prints it. Reads every stored byte since then.
Status compare_rules(const ExplainRulesOptions& options, const ChosenRules& chosen);

}  // namespace binrelay
