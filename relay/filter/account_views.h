#pragma once
// AccountViews: what an account is sent, and why one cannot be served now. Thread: any; what changes behind it is the
// rules. Owner: Stream. Borrows: the counters.
#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "relay/config/relay_config.h"
#include "relay/filter/consumer_view.h"
#include "storage/source_identity.h"

namespace binrelay {

// The rules of a stream, over its log. nullptr: there are none.
struct RuleBook {
  RulesAt at;
  std::function<std::shared_ptr<const RuleSet>()> latest;
};

AllowList allow_list(const AccountConfig& account);

class AccountViews {
 public:
  AccountViews(RuleBook book, FilterCounters& counters) : book_(std::move(book)), counters_(counters) {}

  // `account`: the one that has logged in; several may have the same user. nullptr: it is sent everything.
  std::shared_ptr<const ConsumerView> of(const AccountConfig& account, const SourceIdentity& source) const;
  // Why a dump of this account would send what nobody can judge, or nothing; with the remedy. nullopt: it may begin.
  std::optional<std::string> refusal(const AccountConfig& account, const SourceIdentity& source) const;

 private:
  RuleBook book_;
  FilterCounters& counters_;
};

// Rules that hold everywhere in the log.
RuleBook fixed_rules(std::vector<FilterRule> rules, DefaultMonitor default_monitor,
                     std::function<int()> lower_case_table_names);
RuleBook no_rules();

}  // namespace binrelay
