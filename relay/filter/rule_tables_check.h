#pragma once
// RuleTablesCheck looks whether the tables that rules name are there: a name that was mistyped lets nothing out, and
// nobody notices. Names are asked of information_schema, which opens and locks no table; an account that may not see
// a database is told so. Rows with a pattern are left out: they may be for tables to come.
// Thread: look() on the watch thread, the rest any. Owner: Stream. Memory: kMaxChecked names.
#include <cstdint>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "protocol/filter/filter_rules.h"
#include "relay/upstream/event_source.h"

namespace spdlog {
class logger;
}

namespace binrelay {

struct UnseenRule {
  std::uint64_t id = 0;
  std::string database, table;
  bool told = true;  // false: the relay's account may not look there
};

class RuleTablesCheck {
 public:
  static constexpr std::size_t kMaxChecked = 10'000;

  RuleTablesCheck(std::function<std::shared_ptr<const RuleSet>()> newest, std::shared_ptr<spdlog::logger> logger)
      : newest_(std::move(newest)), logger_(std::move(logger)) {}

  // Asks the source when the rules have changed, and now and then for what was not there. Errors are a later look's.
  void look(EventSource& source);
  std::vector<UnseenRule> unseen() const;  // of the rules that look() has seen last; by id

 private:
  Result<std::vector<UnseenRule>> check(EventSource& source, const RuleSet& rules) const;
  void warn(const std::vector<UnseenRule>& unseen) const;

  static constexpr unsigned kLooksUntilAgain = 12;  // of the watch: a minute

  const std::function<std::shared_ptr<const RuleSet>()> newest_;
  const std::shared_ptr<spdlog::logger> logger_;
  std::shared_ptr<const RuleSet> checked_;  // watch thread
  unsigned looks_until_again_ = 0;
  mutable std::mutex mutex_;
  std::vector<UnseenRule> unseen_;
};

}  // namespace binrelay
