#include "protocol/filter/allow_list.h"

#include <algorithm>
#include <optional>

#include "protocol/filter/name_pattern.h"

namespace binrelay {
namespace {

// A name, in backticks or not, from the front of `text`.
std::optional<std::string> take_name(std::string_view& text) {
  std::string name;
  if (!text.starts_with('`')) {
    const std::size_t end = std::min(text.find('.'), text.size());
    name = text.substr(0, end);
    text.remove_prefix(end);
    return name.find('`') == std::string::npos ? std::optional(name) : std::nullopt;
  }
  for (text.remove_prefix(1); !text.empty(); text.remove_prefix(1)) {
    if (text.front() != '`') {
      name += text.front();
    } else if (text.starts_with("``")) {
      name += '`';
      text.remove_prefix(1);
    } else {
      text.remove_prefix(1);
      return name;
    }
  }
  return std::nullopt;
}

}  // namespace

Result<AllowList> AllowList::parse(const std::vector<std::string>& entries) {
  AllowList list;
  for (const std::string& entry : entries) {
    std::string_view rest = entry;
    const auto database = take_name(rest);
    const bool dot = rest.starts_with('.');
    if (dot) rest.remove_prefix(1);
    const auto table = take_name(rest);
    if (!database || !table || !dot || !rest.empty() || database->empty() || table->empty())
      return Error{Errc::malformed, "'" + entry + "' is not of the form \"database.table\" (\"database.*\" for all)"};
    list.entries_.push_back({*database, *table, folded_name(*database), folded_name(*table)});
  }
  return list;
}

std::vector<AllowList::Pattern> AllowList::patterns(bool fold) const {
  std::vector<Pattern> patterns;
  for (const Entry& entry : entries_) {
    patterns.push_back(fold ? Pattern{entry.folded_database, entry.folded_table}
                            : Pattern{entry.database, entry.table});
  }
  return patterns;
}

bool AllowList::allows(std::string_view database, std::string_view table, bool fold) const {
  if (empty()) return true;
  if (!fold) {
    return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
      return name_matches(entry.database, database) && name_matches(entry.table, table);
    });
  }
  const std::string small_database = folded_name(database), small_table = folded_name(table);
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return name_matches(entry.folded_database, small_database) && name_matches(entry.folded_table, small_table);
  });
}

bool AllowList::allows_in(std::string_view database, bool fold) const {
  if (empty()) return true;
  const std::string name = fold ? folded_name(database) : std::string(database);
  return std::any_of(entries_.begin(), entries_.end(), [&](const Entry& entry) {
    return name_matches(fold ? entry.folded_database : entry.database, name);
  });
}

}  // namespace binrelay
