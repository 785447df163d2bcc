#pragma once
// ViewTrial judges the events of a group as a view does, and says why: for questions about a log, nothing is sent.
// Thread: none of its own. Memory: the tables of one statement. Payload events are opened, their events come behind.
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <unordered_map>
#include <vector>

#include "protocol/filter/group_judge.h"
#include "protocol/row/table_columns.h"

namespace binrelay {

inline constexpr std::uint64_t kTrialEventBytes = 256u << 20;  // larger payload events are not looked into

// What decides about a table: the allow-list, a row, or no row at all.
struct TableReason {
  TableVerdict verdict;
  bool outside_allow_list = false;
  std::string text(const RuleSet& rules) const;  // "row 2 (shop.order*)"
};
TableReason reason_for(const RuleSet& rules, const AllowList& allowed, std::string_view database,
                       std::string_view table);
const char* operation_name(RowOperation operation);  // insert, update, delete

struct JudgedTable {
  std::string database, table;
  TableReason reason;
};
struct JudgedEvent {
  const GroupEvent& event;
  const Judgement& judgement;
  const JudgedTable* table = nullptr;  // of a table map or rows; nullptr: the dummy, and all else
};

class ViewTrial {
 public:
  ViewTrial(Flavour flavour, std::shared_ptr<const RuleSet> rules, std::shared_ptr<const AllowList> allowed,
            ViewOptions options);
  ViewTrial(const ViewTrial&) = delete;
  ViewTrial& operator=(const ViewTrial&) = delete;

  using Visit = std::function<Status(const JudgedEvent&)>;
  // An event of the group, in order. Errors: GroupJudge's (the view's dump would end here), of a payload, and
  // `visit`'s.
  Status on_event(const GroupEvent& event, const Visit& visit);
  const RuleSet& rules() const { return *rules_; }

 private:
  Status judge(const GroupEvent& event, const Visit& visit);

  const std::shared_ptr<const RuleSet> rules_;
  const std::shared_ptr<const AllowList> allowed_;
  const ViewOptions options_;
  const ViewRules view_;
  GroupJudge judge_;
  std::vector<JudgedTable> tables_;  // beside judge_.maps()
};

// RowCounter counts the rows in row events. Memory: the columns of the tables of one group.
class RowCounter {
 public:
  void begin_group() { tables_.clear(); }
  void on_map(const GroupEvent& event);
  // nullopt: they cannot be told (a column that is not known, an event that is not whole).
  std::optional<std::uint64_t> rows_in(const GroupEvent& event) const;

 private:
  std::unordered_map<std::uint64_t, TableColumns> tables_;  // by table id
};

}  // namespace binrelay
