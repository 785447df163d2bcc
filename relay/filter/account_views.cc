#include "relay/filter/account_views.h"

#include "protocol/check.h"
#include "protocol/sql/sql_tokens.h"

namespace binrelay {

AllowList allow_list(const AccountConfig& account) {
  auto allowed = AllowList::parse(account.allow);
  BINRELAY_CHECK(allowed.ok(), "an allow-list was checked when it was read");
  return std::move(*allowed);
}

std::shared_ptr<const ConsumerView> AccountViews::of(const AccountConfig& account, const SourceIdentity& source) const {
  const Terms terms = terms_of(account, source);
  if (!terms.options.judges && !terms.options.unpack_payloads) return nullptr;
  const std::lock_guard lock(mutex_);
  std::erase_if(in_use_, [](const auto& known) { return known.second.expired(); });
  for (const auto& [known, view] : in_use_) {
    if (known != terms) continue;
    if (auto shared = view.lock()) return shared;
  }
  auto view = make(account, terms);
  in_use_.emplace_back(terms, view);
  return view;
}

AccountViews::Terms AccountViews::terms_of(const AccountConfig& account, const SourceIdentity& source) const {
  Terms terms{account.view, account.allow, {}, account.rules_at, source.lower_case_table_names, nullptr};
  terms.options.judges = account.filtered();
  terms.options.unpack_payloads = account.old_consumer && source.flavour == Flavour::mysql;
  terms.options.ddl = account.ddl;
  terms.options.statement_dml = account.statement_dml;
  // One set for the whole dump: what it sends of a transaction must not change while it does.
  const bool by_rules = account.view == AccountConfig::View::rules;
  if (by_rules && account.rules_at == AccountConfig::RulesAt::now) terms.rules = book_.latest();
  return terms;
}

std::shared_ptr<const ConsumerView> AccountViews::make(const AccountConfig& account, const Terms& terms) const {
  auto view = std::make_shared<ConsumerView>();
  view->allowed = std::make_shared<const AllowList>(allow_list(account));
  view->options = terms.options;
  view->shared = std::make_shared<SharedGroups>();
  view->shared_by_size = std::make_shared<SharedGroups>();
  if (account.view == AccountConfig::View::all) {
    auto everything =
        std::make_shared<const RuleSet>(std::vector<FilterRule>(), terms.lower_case_table_names, DefaultMonitor::all);
    view->rules_at = [everything](LogPosition) { return everything; };
    return view;
  }
  view->counters = &counters_;
  if (account.rules_at == AccountConfig::RulesAt::event) {
    view->rules_at = book_.at;
  } else {
    view->rules_at = [rules = terms.rules](LogPosition) { return rules; };
  }
  return view;
}

std::optional<std::string> AccountViews::refusal(const AccountConfig& account, const SourceIdentity& source) const {
  if (!account.filtered()) return std::nullopt;
  const auto format = source.variables.find("binlog_format");
  const bool by_row = format == source.variables.end() || to_upper(format->second) == "ROW";
  if (!by_row && account.statement_dml == StatementDml::stop) {
    return "the source logs in " + format->second +
           " format: changes arrive as statements, which no filter can judge. SET GLOBAL binlog_format = ROW at the "
           "source, "
           "and connect its clients anew";
  }
  if (account.view == AccountConfig::View::rules && !book_.latest()) {
    return "there are no filter rules yet, and this account has view = \"rules\": create the rule table at the source, "
           "or "
           "name a file of rules in [stream.rules]";
  }
  return std::nullopt;
}

RuleBook fixed_rules(std::vector<FilterRule> rules, DefaultMonitor default_monitor,
                     std::function<int()> lower_case_table_names) {
  // Names compare as the source says, which is not known before it has been reached.
  struct Sets {
    std::shared_ptr<const RuleSet> as_written, folded;
  };
  const Sets sets{std::make_shared<const RuleSet>(rules, 0, default_monitor),
                  std::make_shared<const RuleSet>(rules, 1, default_monitor)};
  auto latest = [sets, names = std::move(lower_case_table_names)] {
    return names() == 0 ? sets.as_written : sets.folded;
  };
  return {[latest](LogPosition) { return latest(); }, latest};
}

RuleBook no_rules() {
  return {[](LogPosition) { return std::shared_ptr<const RuleSet>(); },
          [] { return std::shared_ptr<const RuleSet>(); }};
}

}  // namespace binrelay
