#include "relay/passthrough/allow_condition.h"

#include "protocol/filter/name_pattern.h"
#include "protocol/sql/quoted_text.h"

namespace binrelay {
namespace {

// Compared as AllowList does, whatever the column's collation: by bytes, or by small letters.
std::string compared(const std::string& column, bool fold) {
  const std::string text = "CONVERT(" + column + " USING utf8mb4)";
  return (fold ? "LOWER(" + text + ")" : text) + " COLLATE utf8mb4_bin";
}

std::string like_pattern(const std::string& pattern) {
  std::string like;
  for (const char c : pattern) {
    if (c == '%' || c == '_' || c == '\\') like += '\\';
    like += c == '*' ? '%' : c == '?' ? '_' : c;
  }
  return like;
}

std::string fits(const std::string& column, const std::string& pattern, bool fold) {
  if (!is_name_pattern(pattern)) return compared(column, fold) + " = " + quoted_literal(pattern);
  return compared(column, fold) + " LIKE " + quoted_literal(like_pattern(pattern));
}

}  // namespace

std::string allow_condition(const AllowList& allowed, bool fold, RowSubject subject, const std::string& database,
                            const std::string& table) {
  if (allowed.empty()) return {};
  std::string condition;
  const auto add = [&](const std::string& part) { condition += (condition.empty() ? "" : " OR ") + part; };
  for (const AllowList::Pattern& pattern : allowed.patterns(fold)) {
    const std::string in_database = fits(database, pattern.database, fold);
    if (subject == RowSubject::table) {
      add("(" + in_database + " AND " + fits(table, pattern.table, fold) + ")");
    } else if (subject == RowSubject::database || pattern.table == "*") {
      add(in_database);
    }
  }
  // A server's own description of itself is nobody's secret.
  if (subject != RowSubject::part_of_database) add(compared(database, true) + " = 'information_schema'");
  return condition.empty() ? "FALSE" : condition;
}

}  // namespace binrelay
