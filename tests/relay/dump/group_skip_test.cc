#include "relay/dump/group_skip.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace binrelay {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr auto kSend = SkipDecision::send;
constexpr auto kSkip = SkipDecision::skip;
constexpr auto kRefuse = SkipDecision::refuse;
const std::string kUuid = "11111111-2222-3333-4444-555555555555";

AnyGtid mysql(std::uint64_t number) { return parse_mysql_gtid(kUuid + ":" + std::to_string(number)).value(); }
AnyGtid maria(const char* text) { return parse_mariadb_gtid(text).value(); }
GroupSkip::GtidByDomain position(const char* text) { return MariadbPosition::parse(text).value().domains(); }

TEST(GroupSkip, SendsEverythingByFileAndPosition) {
  GroupSkip skip;
  EXPECT_FALSE(skip.by_gtid());
  EXPECT_EQ(skip.on_group(mysql(1)), kSend);
  EXPECT_EQ(skip.on_group(std::nullopt), kSend);
  EXPECT_FALSE(skip.ends_here());
}

TEST(GroupSkip, SkipsWhatTheSetContainsHolesIncluded) {
  GroupSkip skip = GroupSkip::behind_set(MysqlGtidSet::parse(kUuid + ":1-6:8-20").value());
  EXPECT_TRUE(skip.by_gtid());
  EXPECT_EQ(skip.on_group(mysql(6)), kSkip);
  EXPECT_EQ(skip.on_group(mysql(7)), kSend);
  EXPECT_EQ(skip.on_group(mysql(8)), kSkip);
  EXPECT_EQ(skip.on_group(mysql(21)), kSend);
  EXPECT_EQ(skip.on_group(parse_mysql_gtid(kUuid + ":tag:6").value()), kSend);
  EXPECT_THAT(skip.take_progress(), IsEmpty());
}

TEST(GroupSkip, KnowsOfManyGroupsAtOnceThatTheyAreSkipped) {
  const auto set = [](const char* numbers) { return GtidState(MysqlGtidSet::parse(kUuid + numbers).value()); };
  const GroupSkip skip = GroupSkip::behind_set(MysqlGtidSet::parse(kUuid + ":1-6:8-20").value());
  EXPECT_TRUE(skip.skips_all(set(":1-6"), 6));
  EXPECT_TRUE(skip.skips_all(set(":9-20"), 12));
  EXPECT_FALSE(skip.skips_all(set(":5-7"), 3));
  EXPECT_FALSE(skip.skips_all(set(":1-6"), 7)) << "one of them has no GTID";
  EXPECT_TRUE(skip.skips_all(GtidState(MysqlGtidSet()), 0)) << "what stands between groups goes with them";
  EXPECT_FALSE(GroupSkip().skips_all(set(":1-6"), 6));
  const GroupSkip by_domain = GroupSkip::behind_position({.had = position("0-1-9")});
  EXPECT_FALSE(by_domain.skips_all(GtidState(MariadbBinlogState()), 0));
}

TEST(GroupSkip, SkipsEachDomainUntilItsGtidHasPassed) {
  GroupSkip skip = GroupSkip::behind_position({.had = position("0-1-2,5-2-1")});
  EXPECT_EQ(skip.on_group(maria("0-1-1")), kSkip);
  EXPECT_THAT(skip.take_progress(), IsEmpty());
  EXPECT_EQ(skip.on_group(maria("5-2-1")), kSkip);
  EXPECT_THAT(skip.take_progress(),
              ElementsAre(parse_mariadb_gtid("0-1-1").value(), parse_mariadb_gtid("5-2-1").value()));
  EXPECT_EQ(skip.on_group(maria("5-2-2")), kSend);
  EXPECT_EQ(skip.on_group(maria("0-1-2")), kSkip);
  EXPECT_EQ(skip.on_group(maria("0-1-3")), kSend);
  EXPECT_EQ(skip.on_group(maria("7-1-1")), kSend) << "a domain the consumer does not know is sent from its beginning";
}

TEST(GroupSkip, ReachesItsPositionWithTheLastDomainItKnows) {
  GroupSkip skip = GroupSkip::behind_position({.had = position("0-1-2,5-2-1,9-9-9"), .empty_domains = {9}});
  EXPECT_FALSE(skip.position_reached());
  skip.on_group(maria("0-1-2"));
  EXPECT_FALSE(skip.position_reached());
  skip.on_group(maria("5-2-1"));
  EXPECT_TRUE(skip.position_reached());
  EXPECT_TRUE(GroupSkip::behind_position({}).position_reached());
  EXPECT_TRUE(GroupSkip().position_reached());
}

TEST(GroupSkip, SkipsOtherServersGroupsBeforeTheStart) {
  GroupSkip skip = GroupSkip::behind_position({.had = position("0-1-5")});
  EXPECT_EQ(skip.on_group(maria("0-2-4")), kSkip);
  EXPECT_EQ(skip.on_group(maria("0-2-9")), kSkip);
  EXPECT_EQ(skip.on_group(maria("0-1-5")), kSkip);
  EXPECT_EQ(skip.on_group(maria("0-2-6")), kSend);
}

TEST(GroupSkip, TellsProgressOnce) {
  GroupSkip skip = GroupSkip::behind_position({.had = position("0-1-1")});
  EXPECT_EQ(skip.on_group(maria("0-1-1")), kSkip);
  EXPECT_THAT(skip.take_progress(), ElementsAre(parse_mariadb_gtid("0-1-1").value()));
  EXPECT_THAT(skip.take_progress(), IsEmpty());
}

TEST(GroupSkip, GoesOnBehindAHoleUnlessStrict) {
  GroupSkip lax = GroupSkip::behind_position({.had = position("0-1-5")});
  EXPECT_EQ(lax.on_group(maria("0-1-4")), kSkip);
  EXPECT_EQ(lax.on_group(maria("0-1-6")), kSend);
  EXPECT_EQ(lax.on_group(maria("0-1-7")), kSend);

  GroupSkip strict = GroupSkip::behind_position({.had = position("0-1-5"), .strict = true});
  EXPECT_EQ(strict.on_group(maria("0-1-4")), kSkip);
  EXPECT_EQ(strict.on_group(maria("0-1-6")), kRefuse);
  EXPECT_EQ(strict.refusal()->code, 1236);
  EXPECT_THAT(strict.refusal()->text, HasSubstr("missing the GTID 0-1-5"));
}

TEST(GroupSkip, RefusesADomainThatTurnsUpWithoutTheGtidAskedFor) {
  GroupSkip skip = GroupSkip::behind_position({.had = position("5-2-7"), .empty_domains = {5}});
  EXPECT_EQ(skip.on_group(maria("0-1-1")), kSend);
  EXPECT_EQ(skip.on_group(maria("5-3-1")), kRefuse);
  EXPECT_THAT(skip.refusal()->text, HasSubstr("5-2-7, which is not in the master's binlog"));

  GroupSkip found = GroupSkip::behind_position({.had = position("5-2-7"), .empty_domains = {5}});
  EXPECT_EQ(found.on_group(maria("5-2-7")), kSkip);
  EXPECT_EQ(found.on_group(maria("5-2-8")), kSend);
}

TEST(GroupSkip, EndsBehindTheLastDomainOfUntil) {
  GroupSkip skip = GroupSkip::behind_position({.had = position("0-1-1"), .until = position("0-1-2,5-2-1")});
  EXPECT_EQ(skip.on_group(maria("0-1-1")), kSkip);
  EXPECT_EQ(skip.on_group(maria("0-1-2")), kSend);
  EXPECT_FALSE(skip.ends_here());
  EXPECT_EQ(skip.on_group(maria("0-1-3")), kSkip) << "past its end";
  EXPECT_EQ(skip.on_group(maria("9-1-1")), kSkip) << "a domain @slave_until_gtid does not name";
  EXPECT_EQ(skip.on_group(maria("5-2-1")), kSend);
  EXPECT_TRUE(skip.ends_here());
  EXPECT_EQ(skip.until_list().size(), 3u);
}

TEST(GroupSkip, DoesNotSendTheGroupBehindAnUntilThatIsAHole) {
  GroupSkip skip = GroupSkip::behind_position({.had = {}, .until = position("0-1-5")});
  EXPECT_EQ(skip.on_group(maria("0-1-4")), kSend);
  EXPECT_EQ(skip.on_group(maria("0-1-6")), kSkip);
  EXPECT_TRUE(skip.ends_here());
}

TEST(GroupSkip, EndsAtOnceWhenUntilIsEmpty) {
  EXPECT_TRUE(GroupSkip::behind_position({.had = {}, .until = GroupSkip::GtidByDomain{}}).ends_here());
}

}  // namespace
}  // namespace binrelay
