#pragma once
// Filter rules in a local file: the columns of the rule table, separated by commas. The first line names them, in any
// order; others are ignored. Names stand as they are or in "double quotes"; flags are 0 or 1. Lines that begin with #
// are comments.
#include <filesystem>
#include <string_view>
#include <vector>

#include "protocol/filter/filter_rules.h"
#include "protocol/result.h"

namespace binrelay {

inline constexpr std::size_t kMaxRuleFile = 64u << 20;

Result<std::vector<FilterRule>> parse_rules(std::string_view text);  // errors name the line
Result<std::vector<FilterRule>> read_rule_file(const std::filesystem::path& file);

}  // namespace binrelay
