#include "relay/filter/account_views.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

class AccountViewsOfOneStream : public testing::Test {
 protected:
  static AccountConfig account(const std::string& user, std::vector<std::string> allow = {}) {
    AccountConfig account;
    account.user = user;
    account.view = AccountConfig::View::rules;
    account.allow = std::move(allow);
    return account;
  }
  std::shared_ptr<const ConsumerView> view(const AccountConfig& account) { return views_.of(account, source_); }

  SourceIdentity source_;
  FilterCounters counters_;
  std::shared_ptr<const RuleSet> newest_ =
      std::make_shared<const RuleSet>(std::vector<FilterRule>(), 0, DefaultMonitor::none);
  AccountViews views_{{[this](LogPosition) { return newest_; }, [this] { return newest_; }}, counters_};
};

TEST_F(AccountViewsOfOneStream, AreOneForWhomeverSeesTheSame) {
  const auto first = view(account("first"));
  EXPECT_EQ(view(account("first")), first);
  EXPECT_EQ(view(account("second")), first);
  EXPECT_NE(view(account("third", {"shop.*"})), first);
  EXPECT_EQ(view(account("third", {"shop.*"}))->options, first->options);

  AccountConfig without_ddl = account("fourth");
  without_ddl.ddl = DdlView::none;
  EXPECT_NE(view(without_ddl), first);
}

TEST_F(AccountViewsOfOneStream, DifferWhereNamesCompareOtherwise) {
  const auto first = view(account("first"));
  source_.lower_case_table_names = 1;
  EXPECT_NE(view(account("first")), first);
}

TEST_F(AccountViewsOfOneStream, WithTheRulesOfNowAreThoseOfADumpsBegin) {
  AccountConfig now = account("first");
  now.rules_at = AccountConfig::RulesAt::now;
  const auto first = view(now);
  EXPECT_EQ(view(now), first);
  EXPECT_EQ(first->rules_at({}), newest_);
  const auto before = newest_;
  newest_ = std::make_shared<const RuleSet>(std::vector<FilterRule>(), 0, DefaultMonitor::all);
  EXPECT_NE(view(now), first);
  EXPECT_EQ(view(now)->rules_at({}), newest_);
  EXPECT_EQ(first->rules_at({}), before);
}

TEST_F(AccountViewsOfOneStream, AreNoneForWhoeverSeesEverything) {
  AccountConfig all;
  all.user = "replica";
  EXPECT_EQ(view(all), nullptr);
}

}  // namespace
}  // namespace binrelay
