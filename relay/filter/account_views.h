#pragma once
// AccountViews: what an account is sent, and why one cannot be served now. Dumps that are to show the same have one
// view, whatever their accounts, and share what they filter at the end of the log. Thread: any; one mutex. What changes
// behind it is the rules. Owner: Stream. Borrows: the counters.
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>
#include <vector>

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
  // All that decides what goes out, but for the place in the log.
  struct Terms {
    AccountConfig::View view{};
    std::vector<std::string> allow;
    ViewOptions options;
    AccountConfig::RulesAt rules_at{};
    int lower_case_table_names = 0;
    std::shared_ptr<const RuleSet> rules;  // AccountConfig::RulesAt::now
    friend bool operator==(const Terms&, const Terms&) = default;
  };
  Terms terms_of(const AccountConfig& account, const SourceIdentity& source) const;
  std::shared_ptr<const ConsumerView> make(const AccountConfig& account, const Terms& terms) const;

  RuleBook book_;
  FilterCounters& counters_;
  mutable std::mutex mutex_;
  mutable std::vector<std::pair<Terms, std::weak_ptr<const ConsumerView>>> in_use_;  // and some that were
};

// Rules that hold everywhere in the log.
RuleBook fixed_rules(std::vector<FilterRule> rules, DefaultMonitor default_monitor,
                     std::function<int()> lower_case_table_names);
RuleBook no_rules();

}  // namespace binrelay
