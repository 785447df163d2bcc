#include "relay/filter/view_trial.h"

#include <gtest/gtest.h>

#include "tests/support/made_groups.h"

namespace binrelay {
namespace {

constexpr auto kCrc = ChecksumAlgorithm::crc32;

std::shared_ptr<const RuleSet> rules_of(std::vector<FilterRule> rules,
                                        DefaultMonitor default_monitor = DefaultMonitor::none) {
  return std::make_shared<const RuleSet>(std::move(rules), 0, default_monitor);
}
std::shared_ptr<const AllowList> allowing(const std::vector<std::string>& entries) {
  return std::make_shared<const AllowList>(AllowList::parse(entries).value());
}

TEST(TableReason, NamesTheRowThatDecides) {
  const auto rules = rules_of({{2, "shop", "order*", true, false, false}, {5, "shop", "orders", false, true, false}});
  EXPECT_EQ(reason_for(*rules, AllowList(), "shop", "orders").text(*rules), "row 5 (shop.orders)");
  EXPECT_EQ(reason_for(*rules, AllowList(), "shop", "order_lines").text(*rules), "row 2 (shop.order*)");
  EXPECT_EQ(reason_for(*rules, AllowList(), "shop", "customers").text(*rules), "no row names it");
}

TEST(TableReason, TheAllowListComesFirst) {
  const auto rules = rules_of({}, DefaultMonitor::all);
  const TableReason outside = reason_for(*rules, *allowing({"blog.*"}), "shop", "orders");
  EXPECT_FALSE(outside.verdict.any());
  EXPECT_EQ(outside.text(*rules), "outside the account's allow-list");
  const TableReason inside = reason_for(*rules, *allowing({"shop.*"}), "shop", "orders");
  EXPECT_TRUE(inside.verdict.all());
  EXPECT_EQ(inside.text(*rules), "no row names it, and default_monitor is all");
}

// Which row events of random transactions pass: said by who made them.
TEST(ViewTrial, FindsTheRowEventsThatPass) {
  for (const Flavour flavour : {Flavour::mysql, Flavour::mariadb}) {
    made::GroupMaker maker(flavour, kCrc, 7);
    std::size_t rows = 0;
    for (int i = 0; i < 300; ++i) {
      const made::MadeGroup group = maker.group();
      ViewTrial trial(flavour, rules_of(made::made_rules()), allowing({}), {});
      RowCounter counter;
      std::vector<std::string> passed, all;
      for (const GroupEvent& event : group.as_input(kCrc)) {
        const Status judged = trial.on_event(event, [&](const JudgedEvent& each) -> Status {
          if (each.judgement.kind == Judgement::Kind::map) counter.on_map(each.event);
          if (each.judgement.kind != Judgement::Kind::rows || !each.table) return Done{};
          const std::string said =
              each.table->table + " " + operation_name(row_operation(each.event.header.type).value());
          all.push_back(said);
          if (each.judgement.passes) passed.push_back(said);
          rows += counter.rows_in(each.event).value();
          return Done{};
        });
        ASSERT_TRUE(judged.ok()) << judged.error().context;
      }
      EXPECT_EQ(passed, group.row_events);
      EXPECT_EQ(all, group.all_row_events);
    }
    EXPECT_GT(rows, 300u);
  }
}

TEST(ViewTrial, APayloadThatIsNotWholeIsNotLookedInto) {
  made::GroupMaker maker(Flavour::mysql, kCrc, 3);
  for (;;) {
    const made::MadeGroup group = maker.group();
    if (!group.payload) continue;
    ViewTrial trial(Flavour::mysql, rules_of({}), allowing({}), {});
    Status last = Done{};
    for (GroupEvent event : group.as_input(kCrc)) {
      event.whole = event.header.type != EventType::transaction_payload;
      last = trial.on_event(event, [](const JudgedEvent&) -> Status { return Done{}; });
    }
    ASSERT_FALSE(last.ok());
    EXPECT_EQ(last.error().code, Errc::limit);
    return;
  }
}

TEST(RowCounter, ForgetsTheTablesOfAnotherGroup) {
  made::GroupMaker maker(Flavour::mariadb, kCrc, 5);
  RowCounter counter;
  std::size_t forgotten = 0;
  for (int i = 0; i < 20; ++i) {
    const made::MadeGroup group = maker.group();
    for (const GroupEvent& event : group.as_input(kCrc)) {
      if (event.header.type == EventType::table_map) counter.on_map(event);
      counter.begin_group();
      if (is_rows_event(event.header.type)) forgotten += counter.rows_in(event) ? 0 : 1;
    }
  }
  EXPECT_GT(forgotten, 0u);
}

}  // namespace
}  // namespace binrelay
