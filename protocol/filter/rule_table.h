#pragma once
// The filter's rule table as row events show it: which column is which, and a row as a rule. Columns are known by name:
// from the event's own metadata, or from how the source describes the table.
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "protocol/filter/filter_rules.h"
#include "protocol/result.h"
#include "protocol/row/row_images.h"
#include "protocol/row/table_columns.h"

namespace binrelay {

struct RuleTableName {
  std::string database = "baker_sys_canal", table = "baker_canal_config";
};

// What an image holds of a rule; nullopt: it does not hold that column.
struct RuleValues {
  std::optional<std::uint64_t> id;
  std::optional<std::string> db_name, tb_name;  // UTF-8
  std::optional<bool> monitor_insert, monitor_update, monitor_delete;
  bool unreadable = false;  // a name whose character set is not known to this program

  bool complete() const;
  FilterRule over(FilterRule rule) const;  // what it holds, put over `rule`
};

// A column as the source describes it: information_schema.columns.
struct DescribedColumn {
  std::string_view name, type, charset;
};

class RuleColumns {
 public:
  // Errc::conflict: the description is of another table than the event's. Errc::not_found: a column without which no
  // row is a rule (id, db_name, tb_name) is missing.
  static Result<RuleColumns> match(const TableColumns& table, const std::vector<DescribedColumn>& described);

  RuleValues read(const RowImage& image) const;

 private:
  enum Role : std::size_t { kId, kDatabase, kTable, kInsert, kUpdate, kDelete, kRoles };
  std::optional<std::string> name_of(const RowImage& image, Role role, bool* unreadable) const;
  std::optional<bool> flag_of(const RowImage& image, Role role) const;

  std::array<std::optional<std::size_t>, kRoles> places_{};
  std::array<std::string, kRoles> charsets_{};
  std::uint64_t id_bits_ = ~std::uint64_t{0};
};

// UTF-8 of a text of a MySQL character set ("utf8mb4", "latin1", …). nullopt: not known, and not plain ASCII.
std::optional<std::string> to_utf8(std::string_view text, std::string_view charset);

}  // namespace binrelay
