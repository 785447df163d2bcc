#include "relay/upstream/source_watch.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

const Uuid kSourceUuid = parse_uuid("e82d0442-e68f-11f1-be79-02fc00000001").value();

LogView log_at(const std::string& file, std::uint64_t end) {
  LogView log;
  log.source.flavour = Flavour::mysql;
  log.source.server_uuid = kSourceUuid;
  log.file = file;
  log.end = end;
  return log;
}

SourceView source_at(const std::string& file, std::uint64_t end) {
  SourceView seen;
  seen.identity.server_uuid = kSourceUuid;
  seen.end = {file, end};
  return seen;
}

MysqlGtidSet set_of(const char* text) { return MysqlGtidSet::parse(text).value(); }
MariadbBinlogState state_of(const char* text) { return MariadbBinlogState::parse(text).value(); }

TEST(SourceWatch, ASourceAheadOfTheLogIsFine) {
  EXPECT_FALSE(find_contradiction(log_at("b.000004", 100), source_at("b.000004", 100)));
  EXPECT_FALSE(find_contradiction(log_at("b.000004", 100), source_at("b.000005", 4)));
  SourceView seen = source_at("b.000005", 4);
  seen.files = {{"b.000004", 100}, {"b.000005", 4}};
  EXPECT_FALSE(find_contradiction(log_at("b.000004", 100), seen));
}

TEST(SourceWatch, ASourceThatHasLessThanItSentIsFound) {
  EXPECT_TRUE(find_contradiction(log_at("b.000001", 100), source_at("b.000001", 99)));
  SourceView reset = source_at("b.000002", 50);
  reset.files = {{"b.000001", 200}, {"b.000002", 50}};
  EXPECT_TRUE(find_contradiction(log_at("b.000004", 100), reset));
  reset.files = {{"b.000004", 99}, {"b.000005", 50}};
  EXPECT_TRUE(find_contradiction(log_at("b.000004", 100), reset));
}

TEST(SourceWatch, AnotherServerBehindTheSameAddressIsFound) {
  SourceView seen = source_at("b.000004", 100);
  seen.identity.server_uuid = parse_uuid("e82d0442-e68f-11f1-be79-02fc00000002").value();
  EXPECT_TRUE(find_contradiction(log_at("b.000004", 100), seen));
}

TEST(SourceWatch, TransactionsTheSourceLacksAreNamed) {
  const std::string uuid = to_text(kSourceUuid);
  const GtidState missing = lacking(set_of((uuid + ":1-10").c_str()), set_of((uuid + ":1-7:9-20").c_str()));
  EXPECT_EQ(to_text(missing), uuid + ":8");
  const GtidState more = lacking(state_of("0-1-10,0-2-8,5-1-3"), state_of("0-1-12,0-2-7"));
  EXPECT_EQ(std::get<MariadbBinlogState>(more), state_of("0-2-8,5-1-3"));
  EXPECT_TRUE(std::get<MariadbBinlogState>(lacking(state_of("0-1-10"), state_of("0-1-10,1-1-1"))).empty());
}

}  // namespace
}  // namespace binrelay
