#pragma once
// ViewRules: what an account may see of a group: the rules that hold there, and its allow-list. A value; borrows
// nothing.
#include <memory>
#include <string_view>

#include "protocol/filter/allow_list.h"
#include "protocol/filter/filter_rules.h"
#include "protocol/ids.h"

namespace binrelay {

// Which DDL goes out.
enum class DdlView : std::uint8_t { all, monitored, none };
// What happens to changes logged as statements, which no rule can judge.
enum class StatementDml : std::uint8_t { stop, pass, drop };

struct ViewOptions {
  // False: everything goes out, nothing is judged; for unpack_payloads alone.
  bool judges = true;
  // Payloads go out as the events inside, for consumers that cannot read them; by_size holds for other events only.
  bool unpack_payloads = false;
  DdlView ddl = DdlView::all;
  StatementDml statement_dml = StatementDml::stop;
  // MySQL by file and position: the consumer adds up the sizes of events, so as many bytes go out as the source has.
  bool by_size = false;
  friend bool operator==(const ViewOptions&, const ViewOptions&) = default;
};

class ViewRules {
 public:
  ViewRules(std::shared_ptr<const RuleSet> rules, std::shared_ptr<const AllowList> allowed)
      : rules_(std::move(rules)), allowed_(std::move(allowed)), fold_(rules_->lower_case_table_names() != 0) {}

  TableVerdict of(std::string_view database, std::string_view table) const {
    if (!allowed_->empty() && !allowed_->allows(database, table, fold_)) return {};
    return rules_->of(database, table);
  }
  bool allows(std::string_view database, std::string_view table) const {
    return allowed_->allows(database, table, fold_);
  }
  bool allows_in(std::string_view database) const { return allowed_->allows_in(database, fold_); }
  bool allows_everything() const { return allowed_->empty(); }
  bool monitors_in(std::string_view database) const { return allows_in(database) && rules_->monitors_in(database); }

 private:
  std::shared_ptr<const RuleSet> rules_;
  std::shared_ptr<const AllowList> allowed_;
  bool fold_;
};

}  // namespace binrelay
