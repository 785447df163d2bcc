#pragma once
// Which rows of a rule table decide nothing, and why: what a person who wrote them wants to be told.
#include <cstdint>
#include <string>
#include <vector>

#include "protocol/filter/filter_rules.h"

namespace binrelay {

struct IgnoredRule {
  std::uint64_t id = 0;
  std::string why;  // goes on after "the row is ignored: "
};

// By id. Rows that let nothing out are not among them: they say that of their tables.
std::vector<IgnoredRule> ignored_rules(const RuleSet& rules);

}  // namespace binrelay
