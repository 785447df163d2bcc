#pragma once
// ConsumerView: what an account is sent of the log. Immutable; shared by the account's dumps.
#include <functional>
#include <memory>

#include "protocol/filter/allow_list.h"
#include "protocol/filter/filter_rules.h"
#include "protocol/filter/view_rules.h"
#include "protocol/ids.h"
#include "relay/filter/filter_counters.h"
#include "relay/filter/shared_groups.h"

namespace binrelay {

// The rules for the group that begins at a place of the log; nullptr: there are none. Any thread, must not block long.
using RulesAt = std::function<std::shared_ptr<const RuleSet>(LogPosition)>;

struct ConsumerView {
  RulesAt rules_at;
  std::shared_ptr<const AllowList> allowed = std::make_shared<const AllowList>();
  ViewOptions options;                 // by_size is each dump's own
  FilterCounters* counters = nullptr;  // outlives it; nullptr: nobody counts
  // Of the dumps that show just this; nullptr: nothing is shared.
  std::shared_ptr<SharedGroups> shared{}, shared_by_size{};
};

}  // namespace binrelay
