#pragma once
// The text of a command cut and filled in before it is parsed: several statements in one text, and the "?" of prepared
// statements. Both by tokens, so that quotes and comments hide what is in them.
#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/packet/prepared_statement.h"

namespace binrelay {

// The text up to the first ";" that ends a statement, and what follows it; `rest` is empty when nothing but space and
// comments follows. Views point into `text`.
struct StatementCut {
  std::string_view first;
  std::string_view rest;
};
StatementCut cut_statement(std::string_view text);

// Offsets of the "?" in a text.
std::vector<std::size_t> find_placeholders(std::string_view text);
// The text with a literal in place of each of them; one value for each.
std::string fill_placeholders(std::string_view text, const std::vector<std::size_t>& placeholders,
                              const ParameterValues& values);

}  // namespace binrelay
