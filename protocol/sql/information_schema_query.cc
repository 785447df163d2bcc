#include "protocol/sql/information_schema_query.h"

#include <algorithm>
#include <array>

#include "protocol/limits.h"
#include "protocol/sql/quoted_text.h"
#include "protocol/sql/token_cursor.h"

namespace binrelay {
namespace {

using Query = InformationSchemaQuery;
using Kind = SqlToken::Kind;

constexpr std::string_view kInformationSchema = "information_schema";
constexpr std::size_t kMaxAskedTables = 4;
constexpr std::size_t kMaxAskedItems = 256;

// A table that may be asked, and its columns with the names of database and table.
struct KnownTable {
  std::string_view name, database_column, table_column;
  RowSubject subject = RowSubject::table;
};
constexpr std::array<KnownTable, 14> kTables{{
    {"SCHEMATA", "SCHEMA_NAME", "", RowSubject::database},
    {"TABLES", "TABLE_SCHEMA", "TABLE_NAME"},
    {"COLUMNS", "TABLE_SCHEMA", "TABLE_NAME"},
    {"STATISTICS", "TABLE_SCHEMA", "TABLE_NAME"},
    {"KEY_COLUMN_USAGE", "TABLE_SCHEMA", "TABLE_NAME"},
    {"TABLE_CONSTRAINTS", "TABLE_SCHEMA", "TABLE_NAME"},
    {"REFERENTIAL_CONSTRAINTS", "CONSTRAINT_SCHEMA", "TABLE_NAME"},
    {"CHECK_CONSTRAINTS", "CONSTRAINT_SCHEMA", "", RowSubject::part_of_database},
    {"PARTITIONS", "TABLE_SCHEMA", "TABLE_NAME"},
    {"VIEWS", "TABLE_SCHEMA", "TABLE_NAME"},
    {"COLLATION_CHARACTER_SET_APPLICABILITY", "", ""},
    {"COLLATIONS", "", ""},
    {"CHARACTER_SETS", "", ""},
    {"ENGINES", "", ""},
}};

const KnownTable* known_table(std::string_view name) {
  const auto found =
      std::find_if(kTables.begin(), kTables.end(), [&](const KnownTable& each) { return each.name == name; });
  return found == kTables.end() ? nullptr : &*found;
}

// What may stand behind a table or item without being its alias.
bool at_clause(const TokenCursor& in) {
  return in.at_one_of({"FROM", "WHERE", "JOIN", "INNER", "LEFT", "ON", "GROUP", "ORDER", "LIMIT", "LIKE", "IN", "IS",
                       "NOT", "BETWEEN", "AND", "OR"});
}

std::string parse_alias(TokenCursor& in) {
  if (in.accept("AS")) return in.at(Kind::string) ? metadata_text(in) : metadata_name(in);
  const bool name = in.at(Kind::word) || in.at(Kind::quoted_name);
  return name && !at_clause(in) ? metadata_name(in) : std::string();
}

// A column and nothing else, which a server labels as we do; other expressions it labels with their text.
bool at_column_alone(TokenCursor in) {
  do {
    if (!in.at(Kind::word) && !in.at(Kind::quoted_name)) return false;
    in.take();
  } while (in.accept_symbol("."));
  if (in.accept("AS") || in.at_symbol(",") || in.at_word("FROM")) return true;
  return (in.at(Kind::word) || in.at(Kind::quoted_name)) && !at_clause(in);
}

class SchemaQueryParser {
 public:
  SchemaQueryParser(std::string_view text, std::string_view database) : text_(text), database_(database), in_(text) {}

  std::optional<Query> parse() {
    accept_timeout_for(in_);
    if (!in_.accept("SELECT")) return std::nullopt;
    query_.distinct = in_.accept("DISTINCT");
    query_.items = items();
    in_.expect("FROM");
    tables();
    if (in_.accept("WHERE")) query_.where = condition();
    if (in_.accept_all({"GROUP", "BY"})) query_.group_by = list(false);
    if (in_.accept_all({"ORDER", "BY"})) query_.order_by = list(true);
    if (in_.accept("LIMIT")) limit();
    while (in_.accept_symbol(";")) continue;
    if (in_.failed() || !in_.at_end()) return std::nullopt;
    return std::move(query_);
  }

 private:
  std::string condition() { return MetadataCondition(in_, database_).expression(); }

  std::string items() {
    std::string result = item();
    for (std::size_t count = 1; in_.accept_symbol(","); ++count) {
      if (count == kMaxAskedItems) in_.fail();
      result += ", " + item();
    }
    return result;
  }

  std::string item() {
    if (in_.accept_symbol("*")) return "*";
    if (auto all = all_of_table()) return *all;
    const bool column = at_column_alone(in_);
    const std::size_t begin = in_.begin();
    std::string result = condition();
    const std::string_view written = text_.substr(begin, in_.previous_end() - begin);
    const std::string alias = parse_alias(in_);
    if (!alias.empty()) return result + " AS " + quoted_identifier(alias);
    if (column) return result;
    if (!is_plain_text(written, kMaxMetadataName)) in_.fail();
    return result + " AS " + quoted_identifier(written);
  }

  // t.*
  std::optional<std::string> all_of_table() {
    TokenCursor ahead = in_;
    if (!ahead.at(Kind::word) && !ahead.at(Kind::quoted_name)) return std::nullopt;
    const std::string name = metadata_name(ahead);
    if (!ahead.accept_symbol(".") || !ahead.accept_symbol("*")) return std::nullopt;
    in_ = ahead;
    return quoted_identifier(name) + ".*";
  }

  void tables() {
    table(Query::Join::product);
    while (!in_.failed()) {
      if (in_.accept_symbol(",")) {
        table(Query::Join::product);
      } else if (in_.accept("JOIN") || in_.accept_all({"INNER", "JOIN"})) {
        joined(Query::Join::inner);
      } else if (in_.accept_all({"LEFT", "JOIN"}) || in_.accept_all({"LEFT", "OUTER", "JOIN"})) {
        joined(Query::Join::left);
      } else {
        return;
      }
    }
  }

  void joined(Query::Join join) {
    table(join);
    in_.expect("ON");
    query_.tables.back().on = condition();
  }

  void table(Query::Join join) {
    Query::Table table;
    table.join = join;
    table.name = metadata_name(in_);
    if (in_.accept_symbol(".")) {
      if (!equal_ignoring_case(table.name, kInformationSchema)) in_.fail();
      table.name = metadata_name(in_);
    } else if (!equal_ignoring_case(database_, kInformationSchema)) {
      in_.fail();
    }
    table.alias = table.name;
    table.name = to_upper(table.name);
    if (const std::string alias = parse_alias(in_); !alias.empty()) table.alias = alias;
    if (known_table(table.name) == nullptr || query_.tables.size() == kMaxAskedTables) in_.fail();
    query_.tables.push_back(std::move(table));
  }

  // Expressions of GROUP BY and ORDER BY.
  std::string list(bool ordered) {
    std::string result;
    std::size_t count = 0;
    do {
      if (count++ == kMaxAskedItems) in_.fail();
      result += (result.empty() ? "" : ", ") + condition();
      if (ordered && in_.accept("DESC")) result += " DESC";
      if (ordered) in_.accept("ASC");
    } while (in_.accept_symbol(","));
    return result;
  }

  void limit() {
    query_.limit = in_.expect_integer();
    if (in_.accept_symbol(",")) {
      query_.offset = query_.limit;
      query_.limit = in_.expect_integer();
    } else if (in_.accept("OFFSET")) {
      query_.offset = in_.expect_integer();
    }
  }

  std::string_view text_;
  std::string database_;
  TokenCursor in_;
  Query query_;
};

std::string bounds_of(const Query::Table& table, const MetadataBounds& bounds) {
  const KnownTable& known = *known_table(table.name);
  if (known.database_column.empty()) return {};
  const auto column = [&](std::string_view name) {
    return name.empty() ? std::string() : quoted_identifier(table.alias) + "." + quoted_identifier(name);
  };
  return bounds(known.subject, column(known.database_column), column(known.table_column));
}

std::string both(const std::string& left, const std::string& right) {
  if (left.empty() || right.empty()) return left + right;
  return "(" + left + ") AND (" + right + ")";
}

}  // namespace

std::optional<Query> parse_information_schema_query(std::string_view text, std::string_view database) {
  if (text.size() > kMaxCommandSize) return std::nullopt;
  return SchemaQueryParser(text, database).parse();
}

// The bounds of a joined table go into its ON: behind a LEFT JOIN its columns may be NULL.
std::string render(const Query& query, const MetadataBounds& bounds) {
  std::string from, where = query.where;
  for (const Query::Table& table : query.tables) {
    const std::string name =
        "`information_schema`." + quoted_identifier(table.name) + " AS " + quoted_identifier(table.alias);
    const std::string bound = bounds_of(table, bounds);
    if (table.join == Query::Join::product) {
      from += (from.empty() ? "" : ", ") + name;
      where = both(where, bound);
    } else {
      from += (table.join == Query::Join::left ? " LEFT JOIN " : " JOIN ") + name + " ON " + both(table.on, bound);
    }
  }
  std::string result = std::string("SELECT ") + (query.distinct ? "DISTINCT " : "") + query.items + " FROM " + from;
  if (!where.empty()) result += " WHERE " + where;
  if (!query.group_by.empty()) result += " GROUP BY " + query.group_by;
  if (!query.order_by.empty()) result += " ORDER BY " + query.order_by;
  if (query.limit) result += " LIMIT " + std::to_string(*query.limit);
  if (query.offset) result += " OFFSET " + std::to_string(*query.offset);
  return result;
}

}  // namespace binrelay
