#pragma once
// SELECTs from information_schema, as parsed, and their rendering anew: tables that describe databases, tables,
// columns, keys and character sets; no others, which may show what statements of other people say. What is rendered is
// for a connection as quoted_text.h wants it.
#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/sql/metadata_condition.h"

namespace binrelay {

struct InformationSchemaQuery {
  enum class Join : std::uint8_t { product, inner, left };  // to those before it
  struct Table {
    std::string name;   // in capitals
    std::string alias;  // what its columns are called by
    Join join = Join::product;
    std::string on;  // rendered, as all the following
  };
  bool distinct = false;
  std::string items;
  std::vector<Table> tables;
  std::string where, group_by, order_by;
  std::optional<std::uint64_t> offset, limit;
};

// What a row of a table is about.
enum class RowSubject : std::uint8_t {
  database,
  part_of_database,  // of some table, but the row does not say of which
  table,
};
// A condition on the columns, rendered, that name a row's database and table (RowSubject::table only). "": no
// condition.
using MetadataBounds =
    std::function<std::string(RowSubject subject, const std::string& database, const std::string& table)>;

// `database`: the session's. nullopt: not such a statement, or one with a part that cannot be rendered.
std::optional<InformationSchemaQuery> parse_information_schema_query(std::string_view text, std::string_view database);
std::string render(const InformationSchemaQuery& query, const MetadataBounds& bounds);

}  // namespace binrelay
