#include "protocol/gtid/mariadb_gtid.h"

#include <gtest/gtest.h>

#include "protocol/gtid/gtid_state.h"

namespace binrelay {
namespace {

TEST(MariadbGtid, HasThreeNumbers) {
  EXPECT_EQ(parse_mariadb_gtid("5-77-18446744073709551615").value(), (MariadbGtid{5, 77, ~0ull}));
  EXPECT_EQ(to_text(MariadbGtid{0, 1, 100}), "0-1-100");
  for (const char* text :
       {"", "zzz", "0-1", "0-1-", "0-1-2-3", "4294967296-1-1", "0-1-18446744073709551616", "-1-1-1", "0 -1-1"}) {
    EXPECT_FALSE(parse_mariadb_gtid(text).ok()) << text;
  }
}

TEST(MariadbPosition, HasOneGtidADomain) {
  const MariadbPosition position = MariadbPosition::parse("5-2-7, 0-1-100").value();
  EXPECT_EQ(position.to_text(), "0-1-100,5-2-7");
  EXPECT_EQ(position.at(5), (MariadbGtid{5, 2, 7}));
  EXPECT_EQ(position.at(1), std::nullopt);
  EXPECT_TRUE(MariadbPosition::parse(" ").value().empty());
  for (const char* text : {"0-1-1,0-2-2", "0-1-1,", ",0-1-1", "zzz"})
    EXPECT_FALSE(MariadbPosition::parse(text).ok()) << text;
}

TEST(MariadbPosition, GoesBackWhenADomainDoes) {  // a position is the last GTID, not the highest
  MariadbPosition position = MariadbPosition::parse("0-1-100").value();
  position.advance({0, 2, 50});
  EXPECT_EQ(position.to_text(), "0-2-50");
}

TEST(MariadbBinlogState, KeepsTheLastOfEachServerAndWhoWasLast) {
  MariadbBinlogState state = MariadbBinlogState::parse("0-101-2,0-77-1000,5-77-2").value();
  EXPECT_EQ(state.position().to_text(), "0-77-1000,5-77-2");
  state.add({0, 101, 1001});
  EXPECT_EQ(state.to_text(), "0-77-1000,0-101-1001,5-77-2");
  EXPECT_EQ(state.last_in(0), (MariadbGtid{0, 101, 1001}));
  EXPECT_EQ(state.sequence_of(0, 77), 1000u);
  EXPECT_EQ(state.sequence_of(0, 1), std::nullopt);
  EXPECT_EQ(state.last_in(9), std::nullopt);
}

// With gtid_strict_mode = 0, SET gtid_seq_no = 100, then 50: MariaDB 10.11 says @@gtid_binlog_state = 0-101-50, and so
// does the GTID_LIST of the next file.
TEST(MariadbBinlogState, FollowsAServerWhoseSequenceGoesBack) {
  MariadbBinlogState state;
  state.add({0, 101, 100});
  state.add({0, 101, 50});
  EXPECT_EQ(state.to_text(), "0-101-50");
}

TEST(MariadbBinlogState, ListsADomainsLastGtidLast) {
  const std::vector<MariadbGtid> list{{0, 3, 8}, {0, 9, 2}, {0, 1, 7}, {4, 1, 1}};
  const MariadbBinlogState state = MariadbBinlogState::from_list(list);
  EXPECT_EQ(state.position().to_text(), "0-1-7,4-1-1");
  EXPECT_EQ(state.to_list(), list);
  EXPECT_EQ(MariadbBinlogState::parse(state.to_text()).value(), state);
  EXPECT_FALSE(MariadbBinlogState::parse("0-1-1,0-1-2").ok());
}

TEST(GtidState, SpeaksTheFlavoursTerms) {
  GtidState mysql = empty_state(Flavour::mysql);
  add(mysql, parse_mysql_gtid("3e11fa47-71ca-11e1-9e33-c80aa9429562:5").value());
  EXPECT_EQ(to_text(mysql), "3e11fa47-71ca-11e1-9e33-c80aa9429562:5");
  GtidState mariadb = empty_state(Flavour::mariadb);
  add(mariadb, MariadbGtid{0, 1, 5});
  EXPECT_EQ(to_text(mariadb), "0-1-5");
  EXPECT_DEATH(add(mariadb, parse_mysql_gtid("3e11fa47-71ca-11e1-9e33-c80aa9429562:5").value()), "own flavour");
}

}  // namespace
}  // namespace binrelay
