// binrelay rules test: would a change of a table be sent, and why.
#include <array>
#include <cstdio>
#include <nlohmann/json.hpp>

#include "relay/filter/view_trial.h"
#include "relay/runtime/logging.h"
#include "tools/chosen_rules.h"
#include "tools/console.h"

namespace binrelay {
namespace {

constexpr std::array kOperations{RowOperation::insert, RowOperation::update, RowOperation::remove};

using TableAsked = AllowList::Pattern;  // its names, as an allow-list spells them

Result<TableAsked> parse_table(const std::string& text) {
  const auto parsed = AllowList::parse({text});
  if (!parsed.ok()) return Error{Errc::malformed, "'" + text + "' is no DB.TABLE"};
  return parsed->patterns(false).front();
}

Result<std::shared_ptr<const ConsumerView>> view_to_test(const TestRulesOptions& options, const ChosenRules& chosen) {
  BINRELAY_ASSIGN(AccountConfig account, chosen_account(options.rules, chosen));
  if (options.rules.file.empty()) {
    account.rules_at = AccountConfig::RulesAt::now;
    return chosen_view(account, chosen);
  }
  BINRELAY_ASSIGN(const std::shared_ptr<const RuleSet> rules, rules_of_file(options.rules, chosen));
  auto view = std::make_shared<ConsumerView>(*chosen_view(account, chosen));
  if (account.view == AccountConfig::View::rules) view->rules_at = [rules](LogPosition) { return rules; };
  return std::shared_ptr<const ConsumerView>(std::move(view));
}

nlohmann::json answer(const TableAsked& asked, RowOperation operation, const TableReason& reason,
                      const RuleSet& rules) {
  return {{"database", asked.database},
          {"table", asked.table},
          {"operation", operation_name(operation)},
          {"passes", reason.verdict.passes(operation)},
          {"rule", reason.verdict.rule ? nlohmann::json(*reason.verdict.rule) : nlohmann::json()},
          {"why", reason.text(rules)}};
}

Status print_test(const TestRulesOptions& options) {
  BINRELAY_ASSIGN(const TableAsked asked, parse_table(options.table));
  BINRELAY_ASSIGN(const ChosenRules chosen, choose_rules(options.rules));
  BINRELAY_ASSIGN(const std::shared_ptr<const ConsumerView> view, view_to_test(options, chosen));
  const std::shared_ptr<const RuleSet> rules = view->rules_at({});
  if (!rules) {
    return Error{Errc::not_found,
                 "no rules are known" + (chosen.history ? ": " + chosen.history->report().reason : std::string())};
  }
  const TableReason reason = reason_for(*rules, *view->allowed, asked.database, asked.table);
  auto answers = nlohmann::json::array();
  for (const RowOperation operation : kOperations) {
    if (!options.operation.empty() && options.operation != operation_name(operation)) continue;
    answers.push_back(answer(asked, operation, reason, *rules));
    if (options.rules.archive.json) continue;
    const std::string line = asked.database + "." + asked.table + " " + operation_name(operation) + ": " +
                             (reason.verdict.passes(operation) ? "passes, " : "is held back, ") + reason.text(*rules);
    std::printf("%s\n", escape_control_characters(line).c_str());
  }
  if (options.rules.archive.json) print_json({{"tests", std::move(answers)}});
  return Done{};
}

}  // namespace

int test_rules(const TestRulesOptions& options) {
  if (const auto asked = parse_table(options.table); !asked) return usage_error(asked.error().context);
  const Status printed = print_test(options);
  return printed.ok() ? kExitOk : problem(printed.error());
}

}  // namespace binrelay
