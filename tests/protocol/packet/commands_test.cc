#include "protocol/packet/commands.h"

#include <gtest/gtest.h>

#include "protocol/wire/byte_writer.h"

namespace binrelay {
namespace {

using namespace std::string_view_literals;

template <class T>
T decoded(Bytes payload) {
  auto command = decode_command(payload);
  EXPECT_TRUE(command.ok()) << command.error().context;
  if (!command.ok()) return {};
  EXPECT_TRUE(std::holds_alternative<T>(*command)) << command->index();
  return std::holds_alternative<T>(*command) ? std::get<T>(*command) : T{};
}

ByteBuffer register_replica() {
  ByteWriter out;
  out.u8(0x15).u32(102).u8(4).text("host").u8(4).text("repl").u8(0).u16(3307).u32(0).u32(101);
  return std::move(out).take();
}

ByteBuffer dump(std::string_view name, std::uint16_t flags = BinlogDumpCommand::kAnnotateOrHeartbeatV2) {
  ByteWriter out;
  out.u8(0x12).u32(197).u16(flags).u32(102).text(name);
  return std::move(out).take();
}

ByteBuffer dump_gtid(std::string_view name, Bytes set, std::uint16_t flags = 2) {
  ByteWriter out;
  out.u8(0x1e).u16(flags).u32(102).u32(static_cast<std::uint32_t>(name.size())).text(name).u64(4);
  out.u32(static_cast<std::uint32_t>(set.size())).bytes(set);
  return std::move(out).take();
}

TEST(Commands, OfAnySession) {
  decoded<QuitCommand>(as_bytes("\x01"));
  decoded<StatisticsCommand>(as_bytes("\x09"));
  decoded<PingCommand>(as_bytes("\x0e"));
  decoded<ResetConnectionCommand>(as_bytes("\x1f"));
  EXPECT_EQ(decoded<InitDbCommand>(as_bytes("\x02shop")).database, "shop");
  EXPECT_EQ(decoded<QueryCommand>(as_bytes("\x03SELECT 1")).text, "SELECT 1");
  EXPECT_EQ(decoded<SetOptionCommand>(as_bytes("\x1b\x01\x00"sv)).option, 1);
  EXPECT_EQ(decoded<ProcessKillCommand>(as_bytes("\x0c\x05\x00\x00\x01"sv)).connection_id, 0x01000005u);
  EXPECT_EQ(decoded<UnknownCommand>(as_bytes("\x0d")).code, 0x0d);
  EXPECT_EQ(decoded<FieldListCommand>(as_bytes("\x04t\0%"sv)).table, "t");
}

TEST(Commands, OfPreparedStatements) {
  EXPECT_EQ(decoded<StatementPrepareCommand>(as_bytes("\x16SELECT ?")).text, "SELECT ?");
  const auto execute = decoded<StatementExecuteCommand>(as_bytes("\x17\x01\x00\x00\x00rest"sv));
  EXPECT_EQ(execute.statement_id, 1u);
  EXPECT_EQ(as_text(execute.request), "rest");
  const auto data = decoded<StatementLongDataCommand>(as_bytes("\x18\x01\x00\x00\x00\x02\x00piece"sv));
  EXPECT_EQ(data.parameter, 2u);
  EXPECT_EQ(data.piece, "piece");
  EXPECT_EQ(decoded<StatementCloseCommand>(as_bytes("\x19\x03\x00\x00\x00"sv)).statement_id, 3u);
  EXPECT_EQ(decoded<StatementResetCommand>(as_bytes("\x1a\x03\x00\x00\x00"sv)).statement_id, 3u);
  EXPECT_EQ(decoded<StatementFetchCommand>(as_bytes("\x1c\x03\x00\x00\x00\x09\x00\x00\x00"sv)).statement_id, 3u);
  for (const auto cut : {"\x17\x01\x00"sv, "\x18\x01\x00\x00\x00\x02"sv, "\x19\x03"sv}) {
    EXPECT_FALSE(decode_command(as_bytes(cut)).ok());
  }
}

TEST(Commands, AnEmptyPacketIsNone) { EXPECT_FALSE(decode_command({}).ok()); }

TEST(RegisterReplica, NamesTheReplica) {
  const auto command = decoded<RegisterReplicaCommand>(register_replica());
  EXPECT_EQ(command.server_id, ServerId{102});
  EXPECT_EQ(command.host, "host");
  EXPECT_EQ(command.user, "repl");
  EXPECT_EQ(command.password, "");
  EXPECT_EQ(command.port, 3307);
  EXPECT_EQ(command.rank, 0u);
  EXPECT_EQ(command.source_id, 101u);
}

TEST(BinlogDump, NamesAPlace) {
  const auto command = decoded<BinlogDumpCommand>(dump("binlog.000003"));
  EXPECT_EQ(command.position, 197u);
  EXPECT_EQ(command.flags, BinlogDumpCommand::kAnnotateOrHeartbeatV2);
  EXPECT_EQ(command.server_id, ServerId{102});
  EXPECT_EQ(command.file_name, "binlog.000003");
}

TEST(BinlogDump, TakesZongjisTerminatedName) {
  EXPECT_EQ(decoded<BinlogDumpCommand>(dump("binlog.000003\0"sv)).file_name, "binlog.000003");
  EXPECT_EQ(decoded<BinlogDumpCommand>(dump("\0"sv)).file_name, "");
}

TEST(BinlogDump, AnEmptyNameIsTheOldestFile) { EXPECT_EQ(decoded<BinlogDumpCommand>(dump("")).file_name, ""); }

TEST(BinlogDumpGtid, CarriesAnUntaggedSet) {
  const auto set = MysqlGtidSet::parse("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:7");
  ASSERT_TRUE(set.ok());
  const auto command = decoded<BinlogDumpGtidCommand>(dump_gtid("", set->encode()));
  EXPECT_EQ(command.flags, 2);
  EXPECT_EQ(command.server_id, ServerId{102});
  EXPECT_EQ(command.position, 4u);
  EXPECT_TRUE(command.has_gtid_data);
  EXPECT_FALSE(command.gtid_data_malformed);
  EXPECT_EQ(command.gtids, *set);
}

TEST(BinlogDumpGtid, CarriesATaggedSet) {
  const auto set = MysqlGtidSet::parse("3e11fa47-71ca-11e1-9e33-c80aa9429562:1-5:blue:1-3");
  ASSERT_TRUE(set.ok());
  EXPECT_EQ(decoded<BinlogDumpGtidCommand>(dump_gtid("", set->encode())).gtids, *set);
}

// Canal and python-mysql-replication set flag 4 (once "through GTID"), go-mysql and replicas do not: all send the set.
TEST(BinlogDumpGtid, ReadsTheSetWhateverTheFlags) {
  const ByteBuffer set = MysqlGtidSet().encode();
  for (const std::uint16_t flags : {0, 1, 2, 4, 5}) {
    const auto command = decoded<BinlogDumpGtidCommand>(dump_gtid("", set, flags));
    EXPECT_TRUE(command.has_gtid_data);
    EXPECT_TRUE(command.gtids.empty());
  }
}

TEST(BinlogDumpGtid, TakesPythonsThreeNuls) {
  EXPECT_EQ(decoded<BinlogDumpGtidCommand>(dump_gtid("\0\0\0"sv, MysqlGtidSet().encode())).file_name, "");
}

TEST(BinlogDumpGtid, TellsAnEmptyBlockFromABrokenOne) {
  const auto empty = decoded<BinlogDumpGtidCommand>(dump_gtid("binlog.000001", {}));
  EXPECT_FALSE(empty.has_gtid_data);
  EXPECT_FALSE(empty.gtid_data_malformed);
  const auto broken = decoded<BinlogDumpGtidCommand>(dump_gtid("binlog.000001", as_bytes("nonsense and more")));
  EXPECT_TRUE(broken.has_gtid_data);
  EXPECT_TRUE(broken.gtid_data_malformed);
}

TEST(Commands, BrokenBodiesAreErrorsAtEveryLength) {
  const ByteBuffer whole_registration = register_replica();
  for (std::size_t size = 1; size < whole_registration.size(); ++size) {
    EXPECT_FALSE(decode_command(Bytes(whole_registration).first(size)).ok()) << size;
  }
  const ByteBuffer whole_dump = dump("");
  for (std::size_t size = 1; size < whole_dump.size(); ++size) {
    EXPECT_FALSE(decode_command(Bytes(whole_dump).first(size)).ok()) << size;
  }
  const ByteBuffer whole_gtid_dump = dump_gtid("binlog.000001", MysqlGtidSet().encode());
  for (std::size_t size = 1; size < whole_gtid_dump.size(); ++size) {
    EXPECT_FALSE(decode_command(Bytes(whole_gtid_dump).first(size)).ok()) << size;
  }
  EXPECT_FALSE(decode_command(as_bytes("\x1b\x01")).ok());
  EXPECT_FALSE(decode_command(as_bytes("\x0c\x01\x02\x03")).ok());
}

TEST(BinlogDumpGtid, LengthsBeyondThePacketAreErrors) {
  ByteBuffer command = dump_gtid("binlog.000001", MysqlGtidSet().encode());
  command[7] = command[8] = command[9] = command[10] = std::byte{0xff};  // the name's length
  EXPECT_FALSE(decode_command(command).ok());
}

}  // namespace
}  // namespace binrelay
