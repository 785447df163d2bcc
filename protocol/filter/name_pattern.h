#pragma once
// Names of databases and tables as filter rules spell them: `*` stands for any characters, `?` for one (of UTF-8).
#include <cstddef>
#include <string>
#include <string_view>

namespace binrelay {

bool is_name_pattern(std::string_view name);  // has a `*` or `?`
// At worst |pattern| * |name| steps.
bool name_matches(std::string_view pattern, std::string_view name);
std::size_t literal_length(std::string_view pattern);  // bytes that are not `*` or `?`

// As a server with lower_case_table_names 1 or 2 compares names: capital letters of Latin, Greek and Cyrillic become
// small ones.
std::string folded_name(std::string_view name);

}  // namespace binrelay
