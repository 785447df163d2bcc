#include "relay/filter/view_trial.h"

#include <algorithm>

#include "protocol/event/events.h"
#include "protocol/filter/group_rewrite.h"
#include "protocol/row/row_images.h"

namespace binrelay {

const char* operation_name(RowOperation operation) {
  switch (operation) {
    case RowOperation::insert:
      return "insert";
    case RowOperation::update:
      return "update";
    case RowOperation::remove:
      return "delete";
  }
  return "";
}

TableReason reason_for(const RuleSet& rules, const AllowList& allowed, std::string_view database,
                       std::string_view table) {
  if (!allowed.empty() && !allowed.allows(database, table, rules.lower_case_table_names() != 0)) return {{}, true};
  return {rules.of(database, table), false};
}

std::string TableReason::text(const RuleSet& rules) const {
  if (outside_allow_list) return "outside the account's allow-list";
  if (!verdict.rule) {
    return rules.default_monitor() == DefaultMonitor::all ? "no row names it, and default_monitor is all"
                                                          : "no row names it";
  }
  const auto row = std::lower_bound(rules.rules().begin(), rules.rules().end(), *verdict.rule,
                                    [](const FilterRule& rule, std::uint64_t id) { return rule.id < id; });
  std::string text = "row " + std::to_string(*verdict.rule);
  if (row != rules.rules().end()) text += " (" + row->db_name + "." + row->tb_name + ")";
  return text;
}

ViewTrial::ViewTrial(Flavour flavour, std::shared_ptr<const RuleSet> rules, std::shared_ptr<const AllowList> allowed,
                     ViewOptions options)
    : rules_(std::move(rules)),
      allowed_(std::move(allowed)),
      options_(options),
      view_(rules_, allowed_),
      judge_(flavour, view_, options_) {}

Status ViewTrial::on_event(const GroupEvent& event, const Visit& visit) {
  BINRELAY_TRY(judge(event, visit));
  if (event.header.type != EventType::transaction_payload) return Done{};
  if (!event.whole) {
    return Error{Errc::limit, "a compressed transaction of more than " + std::to_string(kTrialEventBytes >> 20) +
                                  " MiB is not looked into"};
  }
  return for_each_payload_event(event, [&](const GroupEvent& inner) { return judge(inner, visit); });
}

Status ViewTrial::judge(const GroupEvent& event, const Visit& visit) {
  using Kind = Judgement::Kind;
  BINRELAY_ASSIGN(const Judgement judgement, judge_.on_event(event));
  if (judgement.kind == Kind::map) {
    BINRELAY_ASSIGN(const TableMapView map, decode_table_map(event.bytes, event.checksum));
    tables_.resize(judgement.map);
    tables_.push_back(
        {std::string(map.database), std::string(map.table), reason_for(*rules_, *allowed_, map.database, map.table)});
  }
  const bool of_table = judgement.kind == Kind::map || (judgement.kind == Kind::rows && !judgement.dummy);
  return visit({event, judgement, of_table ? &tables_[judgement.map] : nullptr});
}

void RowCounter::on_map(const GroupEvent& event) {
  auto columns = decode_table_columns(event.bytes, event.checksum);
  if (columns) {
    const std::uint64_t id = columns->table_id;
    tables_.insert_or_assign(id, std::move(*columns));
  } else if (const auto map = decode_table_map(event.bytes, event.checksum)) {
    tables_.erase(map->table_id);
  }
}

std::optional<std::uint64_t> RowCounter::rows_in(const GroupEvent& event) const {
  if (!event.whole) return std::nullopt;
  const auto head = decode_rows_head(event.bytes, event.checksum);
  if (!head) return std::nullopt;
  const auto table = tables_.find(head->table_id);
  if (table == tables_.end()) return std::nullopt;
  std::uint64_t rows = 0;
  const Status read = decode_row_images(event.bytes, event.checksum, table->second, [&](const RowChange&) -> Status {
    ++rows;
    return Done{};
  });
  if (!read) return std::nullopt;
  return rows;
}

}  // namespace binrelay
