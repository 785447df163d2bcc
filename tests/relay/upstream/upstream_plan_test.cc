#include "relay/upstream/upstream_plan.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

const Uuid kRecordedUuid = parse_uuid("e82d0442-e68f-11f1-be79-02fc00000001").value();
const Uuid kOther = parse_uuid("e82d0442-e68f-11f1-be79-02fc00000002").value();

SourceFacts mysql_facts() {
  SourceFacts facts;
  facts.identity.flavour = Flavour::mysql;
  facts.identity.server_uuid = kRecordedUuid;
  facts.identity.server_id = ServerId{7};
  facts.identity.gtid_mode = "ON";
  facts.files = {{"b.000003", 1000}, {"b.000004", 2000}, {"b.000005", 3000}};
  facts.end = {"b.000005", 3000};
  return facts;
}

SourceFacts mariadb_facts() {
  SourceFacts facts = mysql_facts();
  facts.identity.flavour = Flavour::mariadb;
  facts.identity.server_uuid = {};
  facts.identity.gtid_mode = "";
  return facts;
}

// Plans for an empty log.
Result<Plan> first_plan(const SourceFacts& facts, const StartPlace& start) {
  return plan_upstream(
      {.held = std::nullopt, .recorded = std::nullopt, .facts = facts, .start = start, .cut_short = ""});
}

Result<Plan> resume_plan(const SourceFacts& facts, const HeldFile& held, const std::string& cut_short = "") {
  static const StartPlace kStart = StartOldest{};
  return plan_upstream(
      {.held = held, .recorded = facts.identity, .facts = facts, .start = kStart, .cut_short = cut_short});
}

std::string place(const Result<Plan>& plan) {
  if (!plan) return "error: " + plan.error().context;
  const auto* from = std::get_if<DumpFrom>(&*plan);
  return from ? from->file + ":" + std::to_string(from->position) + (from->by_gtid ? " by GTID" : "") : "search";
}

TEST(UpstreamPlan, AnEmptyLogBeginsWhereTheConfigurationSays) {
  const SourceFacts facts = mysql_facts();
  EXPECT_EQ(place(first_plan(facts, StartOldest{})), "b.000003:4");
  EXPECT_EQ(place(first_plan(facts, StartNow{})), "b.000005:4");
  EXPECT_EQ(place(first_plan(facts, StartFile{"b.000004", 4})), "b.000004:4");
  EXPECT_EQ(place(first_plan(facts, StartFile{"b.000004", 777})), "b.000004:4");  // whole files only
  EXPECT_EQ(std::get<FindFileByGtid>(*first_plan(facts, StartGtid{"x:1-5"})).set, "x:1-5");
  EXPECT_EQ(
      std::get<FindFileByTime>(*first_plan(facts, StartTime{std::chrono::sys_seconds(std::chrono::seconds(99))})).time,
      99);
}

TEST(UpstreamPlan, AStartPlaceTheSourceDoesNotHaveIsRefused) {
  EXPECT_EQ(first_plan(mysql_facts(), StartFile{"b.000009", 4}).error().code, Errc::refused);
  SourceFacts without_gtids = mysql_facts();
  without_gtids.identity.gtid_mode = "ON_PERMISSIVE";
  EXPECT_EQ(first_plan(without_gtids, StartGtid{"x:1-5"}).error().code, Errc::refused);
  EXPECT_TRUE(first_plan(mariadb_facts(), StartGtid{"0-1-5"}).ok());
}

TEST(UpstreamPlan, AResumedLogGoesOnAtTheStartOfItsLastGroup) {
  EXPECT_EQ(place(resume_plan(mysql_facts(), {"b.000004", 1500, 2000})), "b.000004:1500");
  EXPECT_EQ(place(resume_plan(mysql_facts(), {"b.000005", 4, 4})), "b.000005:4");
}

TEST(UpstreamPlan, AnotherServerIsRefused) {
  const StartPlace start = StartOldest{};
  const auto plan_with = [&](const SourceFacts& now, const SourceIdentity& recorded) {
    return plan_upstream(
        {.held = HeldFile{"b.000004", 4, 4}, .recorded = recorded, .facts = now, .start = start, .cut_short = ""});
  };
  SourceIdentity other = mysql_facts().identity;
  other.server_uuid = kOther;
  EXPECT_EQ(plan_with(mysql_facts(), other).error().code, Errc::refused);
  EXPECT_NE(plan_with(mysql_facts(), other).error().context.find(to_text(kOther)), std::string::npos);
  EXPECT_EQ(plan_with(mysql_facts(), mariadb_facts().identity).error().code, Errc::refused);

  SourceIdentity renumbered = mysql_facts().identity;
  renumbered.server_id = ServerId{8};
  EXPECT_TRUE(plan_with(mysql_facts(), renumbered).ok()) << "MySQL is known by its uuid";
  renumbered.flavour = Flavour::mariadb;
  renumbered.server_uuid = {};
  EXPECT_EQ(plan_with(mariadb_facts(), renumbered).error().code, Errc::refused) << "MariaDB by its server_id";
}

const std::string kUuidText = to_text(kRecordedUuid);
GtidState mysql_gtids(const std::string& intervals) { return MysqlGtidSet::parse(kUuidText + ":" + intervals).value(); }
GtidState mariadb_gtids(const std::string& text) { return MariadbBinlogState::parse(text).value(); }

TEST(UpstreamPlan, HowASourceStandsToTheLog) {
  struct Case {
    GtidState log, source;
    Relation relation;
  };
  const Case cases[] = {
      {mysql_gtids("1-10"), mysql_gtids("1-10"), Relation::continues},
      {mysql_gtids("1-10"), mysql_gtids("1-99"), Relation::continues},
      {mysql_gtids("1-10"), mysql_gtids("1-9:11-99"), Relation::fewer},
      {mysql_gtids("1-10"), MysqlGtidSet{}, Relation::foreign},
      {mysql_gtids("1-10"), MysqlGtidSet::parse(to_text(kOther) + ":1-10").value(), Relation::foreign},
      {MysqlGtidSet{}, mysql_gtids("1-10"), Relation::unknown},
      {mariadb_gtids("0-1-10,0-2-12"), mariadb_gtids("0-2-12,0-1-10"), Relation::continues},
      {mariadb_gtids("0-1-10"), mariadb_gtids("0-1-9,0-2-11"), Relation::fewer},
      {mariadb_gtids("0-1-10,5-1-1"), mariadb_gtids("0-1-10"), Relation::fewer},
      {mariadb_gtids("0-1-10"), mariadb_gtids("0-2-100"), Relation::foreign},
      {mariadb_gtids("0-1-10"), MariadbBinlogState{}, Relation::foreign},
  };
  for (const Case& each : cases) {
    EXPECT_EQ(relation_of(each.log, each.source), each.relation) << to_text(each.log) << " / " << to_text(each.source);
  }
}

class OtherServerPlan : public testing::Test {
 protected:
  Result<Plan> plan(const GtidState& executed, const SwitchOrder* order = nullptr) {
    recorded.server_uuid = kOther;
    return plan_upstream({.held = HeldFile{"b.000004", 4, 4},
                          .recorded = recorded,
                          .facts = facts,
                          .start = start,
                          .cut_short = "",
                          .executed = executed,
                          .order = order});
  }
  SourceFacts facts = mysql_facts();
  SourceIdentity recorded = mysql_facts().identity;
  StartPlace start = StartOldest{};
};

TEST_F(OtherServerPlan, InsideTheHistoryItTakesOver) {
  facts.executed = mysql_gtids("1-20");
  const auto taken = plan(mysql_gtids("1-10"));
  ASSERT_TRUE(taken.ok()) << taken.error().context;
  EXPECT_EQ(std::get<TakeOver>(*taken).held, mysql_gtids("1-10"));
  facts.identity.gtid_mode = "ON_PERMISSIVE";
  EXPECT_EQ(plan(mysql_gtids("1-10")).error().code, Errc::refused);
}

TEST_F(OtherServerPlan, WithFewerTransactionsItIsRefusedWithTheDifference) {
  facts.executed = mysql_gtids("1-7:9-20");
  const auto refused = plan(mysql_gtids("1-10"));
  ASSERT_EQ(refused.error().code, Errc::refused);
  EXPECT_NE(refused.error().context.find("it lacks " + kUuidText + ":8;"), std::string::npos)
      << refused.error().context;
  EXPECT_NE(refused.error().context.find("binrelay export --missing-on"), std::string::npos);
  EXPECT_NE(refused.error().context.find("--accept-loss-after"), std::string::npos);
}

TEST_F(OtherServerPlan, ForeignItIsRefused) {
  facts.executed = MysqlGtidSet{};
  const auto refused = plan(mysql_gtids("1-10"));
  ASSERT_EQ(refused.error().code, Errc::refused);
  EXPECT_NE(refused.error().context.find("none of the transactions"), std::string::npos) << refused.error().context;
  EXPECT_NE(refused.error().context.find("binrelay switch-source"), std::string::npos);
}

TEST_F(OtherServerPlan, AnOrderIsCarriedOutAsItWasGiven) {
  facts.executed = mysql_gtids("1-7");
  SwitchOrder order{4, kUuidText, mysql_gtids("8-10")};
  const auto over = plan(mysql_gtids("1-10"), &order);
  ASSERT_TRUE(over.ok()) << over.error().context;
  EXPECT_EQ(std::get<StartOver>(*over).file, "b.000003");
  EXPECT_EQ(std::get<StartOver>(*over).abandoned, mysql_gtids("8-10"));
  EXPECT_FALSE(plan(mysql_gtids("1-11"), &order).ok()) << "more would be lost than was said";
  order.server = to_text(kOther);
  EXPECT_FALSE(plan(mysql_gtids("1-10"), &order).ok()) << "it is about another server";
}

TEST(UpstreamPlan, AFileTheSourceLostIsRefused) {
  const auto plan = resume_plan(mysql_facts(), {"b.000002", 4, 900});
  EXPECT_EQ(plan.error().code, Errc::refused);
  EXPECT_NE(plan.error().context.find("b.000003 to b.000005"), std::string::npos);
}

TEST(UpstreamPlan, AFileShorterThanWhatIsStoredIsRefused) {
  EXPECT_EQ(resume_plan(mysql_facts(), {"b.000005", 2800, 3001}).error().code, Errc::refused);
  EXPECT_TRUE(resume_plan(mysql_facts(), {"b.000005", 2800, 3000}).ok());
}

TEST(UpstreamPlan, ARestoredSourceIsAnsweredWithTheCommandItTakes) {
  const StartPlace start = StartOldest{};
  SourceFacts facts = mysql_facts();
  const auto reason = [&](const HeldFile& held) {
    return plan_upstream({.held = held,
                          .recorded = facts.identity,
                          .facts = facts,
                          .start = start,
                          .cut_short = "",
                          .executed = mysql_gtids("1-10")})
        .error()
        .context;
  };
  for (const HeldFile& held : {HeldFile{"b.000002", 4, 900}, HeldFile{"b.000005", 2800, 3001}}) {
    facts.executed = mysql_gtids("1-7");
    EXPECT_NE(reason(held).find("`binrelay switch-source --accept-loss-after GTID`"), std::string::npos);
    facts.executed = mysql_gtids("1-20");
    EXPECT_NE(reason(held).find("`binrelay switch-source` "), std::string::npos);
  }
}

TEST(UpstreamPlan, AFileCutShortIsFollowedByTheNext) {
  EXPECT_EQ(place(resume_plan(mariadb_facts(), {"b.000004", 1500, 1990}, "b.000004")), "b.000005:4");
  EXPECT_EQ(resume_plan(mariadb_facts(), {"b.000005", 1500, 1990}, "b.000005").error().code, Errc::connection);
  EXPECT_EQ(place(resume_plan(mariadb_facts(), {"b.000005", 1500, 1990}, "b.000004")), "b.000005:1500");
}

TEST(UpstreamPlan, AGroupBeyondFourGiBIsReachedByGtidOrFromTheStart) {
  SourceFacts facts = mysql_facts();
  facts.files.back().size = 10ull << 30;
  const HeldFile held{"b.000005", 5ull << 30, 6ull << 30};
  EXPECT_EQ(place(resume_plan(facts, held)), "b.000005:5368709120 by GTID");
  facts.identity.gtid_mode = "OFF";
  EXPECT_EQ(place(resume_plan(facts, held)), "b.000005:4");
}

TEST(UpstreamPlan, WhatDoesNotFitIsRefusedWithBothFigures) {
  SourceFacts facts = mysql_facts();
  facts.files[1].size = 3ull << 30;
  EXPECT_TRUE(check_room(facts, "b.000003", 4ull << 30, true).ok());
  EXPECT_TRUE(check_room(facts, "b.000005", 1 << 20, true).ok());
  const Status refused = check_room(facts, "b.000003", 1ull << 30, true);
  ASSERT_FALSE(refused.ok());
  EXPECT_NE(refused.error().context.find("3.00 GiB"), std::string::npos);
  EXPECT_NE(refused.error().context.find("1.00 GiB"), std::string::npos);
  EXPECT_NE(refused.error().context.find("start = \"now\""), std::string::npos);
  const Status later = check_room(facts, "b.000003", 1ull << 30, false);
  EXPECT_EQ(later.error().context.find("start"), std::string::npos) << "the start is for an empty log";
}

}  // namespace
}  // namespace binrelay
