#pragma once
// nearest_name: what a misspelt word was probably meant to be.
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace binrelay {

// The candidate with the fewest letters to change (insert, drop, replace, swap), when they are few enough to be a slip.
std::optional<std::string> nearest_name(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace binrelay
