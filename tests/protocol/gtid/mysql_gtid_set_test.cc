#include "protocol/gtid/mysql_gtid_set.h"

#include <gtest/gtest.h>

#include <chrono>

#include "protocol/limits.h"
#include "protocol/wire/byte_writer.h"

namespace binrelay {
namespace {

const std::string kA = "3e11fa47-71ca-11e1-9e33-c80aa9429562";
const std::string kB = "4e11fa47-71ca-11e1-9e33-c80aa9429562";

MysqlGtidSet set_of(const std::string& text) {
  auto set = MysqlGtidSet::parse(text);
  EXPECT_TRUE(set.ok()) << text << ": " << set.error().context;
  return set.ok() ? *set : MysqlGtidSet{};
}

TEST(MysqlGtidSet, PrintsAsGtidExecutedDoes) {
  const MysqlGtidSet set = set_of(kB + ":1," + kA + ":tag:1-3:a_tag:5:" + "7-8," + kA + ":1-5:10");
  EXPECT_EQ(set.to_text(), kA + ":1-5:10:a_tag:5:7-8:tag:1-3," + kB + ":1");
  EXPECT_EQ(set.to_text_with_newlines(), kA + ":1-5:10:a_tag:5:7-8:tag:1-3,\n" + kB + ":1");
}

TEST(MysqlGtidSet, ReadsWhatPeopleWrite) {
  EXPECT_EQ(set_of("").to_text(), "");
  EXPECT_EQ(set_of(" \n , ,").to_text(), "");
  EXPECT_EQ(set_of(kA).to_text(), "");
  EXPECT_EQ(set_of(" " + kA + " : 1 - 3 : 2-7 ,\n" + kA + ":TAG : 1").to_text(), kA + ":1-7:tag:1");
  EXPECT_EQ(set_of(kA + ":9-5:1").to_text(), kA + ":1") << "mysqld discards intervals that end before they begin";
  EXPECT_EQ(set_of(kA + ":9223372036854775806").count(), 1u);
}

TEST(MysqlGtidSet, RefusesWhatIsNotASet) {
  for (const std::string& text :
       {std::string("x"), kA + ":0", kA + ":-1", kA + ":1-", kA + ":1 2", kA + "::1", kA + ":9223372036854775807",
        kA + ":1;" + kB + ":1", kA + ":1tag:1", kA + ":ta-g:1", kA + ":" + std::string(kMaxTagLength + 1, 'a') + ":1",
        kA + ":99999999999999999999999"}) {
    EXPECT_FALSE(MysqlGtidSet::parse(text).ok()) << text;
  }
}

TEST(MysqlGtidSet, EncodesUntaggedAsEveryServerReads) {
  ByteWriter wanted;
  const Uuid uuid = parse_uuid(kA).value();
  wanted.u64(1).bytes(std::as_bytes(std::span(uuid.bytes))).u64(2).u64(1).u64(6).u64(10).u64(11);
  EXPECT_EQ(as_text(set_of(kA + ":1-5:10").encode()), as_text(wanted.view()));
  EXPECT_EQ(as_text(MysqlGtidSet{}.encode()), std::string(8, '\0'));
}

TEST(MysqlGtidSet, EncodesTaggedAsMysql83Reads) {  // beside the PREVIOUS_GTIDS of a real 9.7 in the golden samples
  ByteWriter wanted;
  const Uuid uuid = parse_uuid(kA).value();
  const Bytes uuid_bytes = std::as_bytes(std::span(uuid.bytes));
  wanted.u8(1).u8(2).zeros(5).u8(1);
  wanted.bytes(uuid_bytes).u8(0).u64(1).u64(1).u64(6);
  wanted.bytes(uuid_bytes).u8(6).text("tag").u64(1).u64(1).u64(2);
  EXPECT_EQ(as_text(set_of(kA + ":1-5:tag:1").encode()), as_text(wanted.view()));
}

TEST(MysqlGtidSet, DecodesWhatItEncodes) {
  for (const std::string& text :
       {std::string(), kA + ":1", kA + ":1-5:10:tag:1-3:zz:9," + kB + ":7:a:1", kA + ":1-9223372036854775806"}) {
    EXPECT_EQ(MysqlGtidSet::decode(set_of(text).encode()).value(), set_of(text)) << text;
  }
}

TEST(MysqlGtidSet, RefusesEveryTruncation) {
  const ByteBuffer whole = set_of(kA + ":1-5:10:tag:1-3," + kB + ":7").encode();
  for (std::size_t size = 0; size < whole.size(); ++size)
    EXPECT_FALSE(MysqlGtidSet::decode(Bytes(whole).first(size)).ok()) << size;
  ByteBuffer longer = whole;
  longer.push_back(std::byte{0});
  EXPECT_FALSE(MysqlGtidSet::decode(longer).ok());
}

TEST(MysqlGtidSet, RefusesIntervalsThatMysqldRefuses) {
  const Uuid uuid = parse_uuid(kA).value();
  const auto decoded = [&](std::vector<NumberInterval> runs) {
    ByteWriter out;
    out.u64(1).bytes(std::as_bytes(std::span(uuid.bytes))).u64(runs.size());
    for (const NumberInterval& run : runs) out.u64(run.begin).u64(run.end);
    return MysqlGtidSet::decode(out.view()).ok();
  };
  EXPECT_TRUE(decoded({{1, 2}, {3, 4}}));
  EXPECT_FALSE(decoded({{1, 2}, {2, 3}})) << "they touch";
  EXPECT_FALSE(decoded({{3, 4}, {1, 2}}));
  EXPECT_FALSE(decoded({{0, 2}}));
  EXPECT_FALSE(decoded({{2, 2}}));
  EXPECT_FALSE(decoded({{1, 1ull << 63}}));
}

TEST(MysqlGtidSet, BelievesNoCountItCannotSee) {
  ByteWriter out;
  out.u64(1ull << 50);
  EXPECT_FALSE(MysqlGtidSet::decode(out.view()).ok());
  ByteWriter unknown_format;
  unknown_format.u64(2ull << 56);
  EXPECT_EQ(MysqlGtidSet::decode(unknown_format.view()).error().code, Errc::unsupported);
}

// One statement may carry megabytes of intervals in the worst order.
TEST(MysqlGtidSet, ReadsAHostileOrderQuickly) {
  std::string text = kA;
  for (int number = 400'000; number > 0; number -= 2) text += ":" + std::to_string(number);
  const auto begin = std::chrono::steady_clock::now();
  EXPECT_EQ(set_of(text).count(), 200'000u);
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(5));
}

TEST(MysqlGtidSet, AddsSubtractsAndCompares) {
  MysqlGtidSet set = set_of(kA + ":1-10:tag:1-3");
  const MysqlGtidSet part = set_of(kA + ":4-6:tag:2");
  EXPECT_TRUE(set.contains_all(part));
  EXPECT_FALSE(part.contains_all(set));
  EXPECT_TRUE(set.contains(parse_mysql_gtid(kA + ":tag:3").value()));
  EXPECT_FALSE(set.contains(parse_mysql_gtid(kA + ":other:3").value()));
  EXPECT_EQ(difference(set, part).to_text(), kA + ":1-3:7-10:tag:1:3");
  EXPECT_EQ(set.count(), 13u);

  set.add(set_of(kB + ":1"));
  EXPECT_EQ(set.only(parse_uuid(kA).value()).to_text(), kA + ":1-10:tag:1-3");
  set.subtract(set);
  EXPECT_TRUE(set.empty());
  EXPECT_EQ(set, MysqlGtidSet{});
}

TEST(MysqlGtid, IsOneOfASet) {
  const MysqlGtid gtid = parse_mysql_gtid(kA + ":Tag:5").value();
  EXPECT_EQ(to_text(gtid), kA + ":tag:5");
  for (const std::string& text : {std::string(), kA, kA + ":1-2", kA + ":1," + kB + ":1"})
    EXPECT_FALSE(parse_mysql_gtid(text).ok()) << text;
}

}  // namespace
}  // namespace binrelay
