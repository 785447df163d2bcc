#pragma once
// AllowList: the databases and tables an account may see at all, "db.table" with the patterns of filter rules:
// "blog.*", "shop_*.order?". Immutable, any thread. An empty list allows everything.
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "protocol/result.h"

namespace binrelay {

class AllowList {
 public:
  AllowList() = default;
  // Errc::malformed: an entry without a dot, or with an empty name. A name with a dot in it goes in backticks.
  static Result<AllowList> parse(const std::vector<std::string>& entries);

  bool empty() const { return entries_.empty(); }
  // The entries; in small letters with `fold`, as folded_name() makes them.
  struct Pattern {
    std::string database, table;
  };
  std::vector<Pattern> patterns(bool fold) const;
  // `fold`: the source compares names without regard to case (lower_case_table_names is not 0).
  bool allows(std::string_view database, std::string_view table, bool fold) const;
  bool allows_in(std::string_view database, bool fold) const;  // some table of it, existing or not

 private:
  struct Entry {
    std::string database, table;                // as written
    std::string folded_database, folded_table;  // in small letters
  };
  std::vector<Entry> entries_;
};

}  // namespace binrelay
