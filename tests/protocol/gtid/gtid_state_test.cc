#include "protocol/gtid/gtid_state.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

const std::string kUuid = "e82d0442-e68f-11f1-be79-02fc00000001";

GtidState mysql_of(const std::string& intervals) {
  return MysqlGtidSet::parse(intervals.empty() ? "" : kUuid + ":" + intervals).value();
}
GtidState mariadb_of(const std::string& text) { return MariadbBinlogState::parse(text).value(); }

TEST(GtidStateTest, LackingIsWhatOnlyTheFirstHas) {
  EXPECT_EQ(lacking(mysql_of("1-10"), mysql_of("1-7:9-20")), mysql_of("8"));
  EXPECT_TRUE(is_empty(lacking(mysql_of("1-10"), mysql_of("1-10"))));
  EXPECT_EQ(lacking(mysql_of("1-10"), mariadb_of("0-1-5")), mysql_of("1-10"));
  EXPECT_EQ(to_text(lacking(mariadb_of("0-1-10,0-2-8,5-1-3"), mariadb_of("0-1-12,0-2-7"))), "0-2-8,5-1-3");
}

TEST(GtidStateTest, ContainsAskForTheServersSequence) {
  EXPECT_TRUE(contains(mysql_of("1-10"), parse_mysql_gtid(kUuid + ":10").value()));
  EXPECT_FALSE(contains(mysql_of("1-10"), parse_mysql_gtid(kUuid + ":11").value()));
  EXPECT_TRUE(contains(mariadb_of("0-1-10,0-2-8"), MariadbGtid{0, 1, 9}));
  EXPECT_FALSE(contains(mariadb_of("0-1-10,0-2-8"), MariadbGtid{0, 2, 9}));
  EXPECT_FALSE(contains(mariadb_of("0-1-10"), MariadbGtid{1, 1, 1}));
  EXPECT_FALSE(contains(mysql_of("1-10"), MariadbGtid{0, 1, 9})) << "of the other family";
}

TEST(GtidStateTest, ASeriesThatIsBehindMovesNothing) {
  EXPECT_EQ(joined(mysql_of("1-10"), mysql_of("3-12")), mysql_of("1-12"));
  EXPECT_EQ(joined(mariadb_of("0-1-90,0-2-100"), mariadb_of("0-1-85")), mariadb_of("0-1-90,0-2-100"));
  EXPECT_EQ(joined(mariadb_of("0-1-100"), mariadb_of("0-1-100,0-2-101")), mariadb_of("0-1-100,0-2-101"));
  EXPECT_EQ(joined(mariadb_of("0-1-100"), mariadb_of("0-1-90,3-2-1")), mariadb_of("0-1-100,3-2-1"));
}

TEST(GtidStateTest, RunsAddWhatTheirGtidsAddOneByOne) {
  for (const auto& gtids :
       {std::vector<AnyGtid>{parse_mysql_gtid(kUuid + ":1").value(), parse_mysql_gtid(kUuid + ":2").value(),
                             parse_mysql_gtid(kUuid + ":tag:3").value(), parse_mysql_gtid(kUuid + ":tag:4").value(),
                             parse_mysql_gtid(kUuid + ":7").value(), parse_mysql_gtid(kUuid + ":6").value()},
        std::vector<AnyGtid>{MariadbGtid{0, 1, 5}, MariadbGtid{0, 1, 6}, MariadbGtid{0, 2, 7}, MariadbGtid{3, 2, 8},
                             MariadbGtid{0, 1, 8}, MariadbGtid{0, 1, 4}}}) {
    const bool mysql = std::holds_alternative<MysqlGtid>(gtids.front());
    GtidState one_by_one = empty_state(mysql ? Flavour::mysql : Flavour::mariadb), in_runs = one_by_one;
    std::vector<GtidRun> runs;
    for (const AnyGtid& gtid : gtids) {
      add(one_by_one, gtid);
      append_gtid(runs, gtid);
    }
    for (const GtidRun& run : runs) add(in_runs, run);
    EXPECT_EQ(in_runs, one_by_one);
    EXPECT_EQ(runs.size(), mysql ? 4u : 5u);
  }
}

}  // namespace
}  // namespace binrelay
