#include "protocol/packet/replies.h"

#include <gtest/gtest.h>

#include "protocol/limits.h"
#include "protocol/packet/packet_framer.h"
#include "protocol/wire/byte_reader.h"
#include "tests/support/hex.h"

namespace binrelay {
namespace {

std::vector<ByteBuffer> payloads_of(Bytes packets) {
  PacketReader reader(1u << 24);
  reader.feed(packets);
  std::vector<ByteBuffer> payloads;
  while (true) {
    auto payload = reader.next();
    if (!payload.ok() || !*payload) return payloads;
    payloads.emplace_back((*payload)->begin(), (*payload)->end());
  }
}

TEST(Replies, OkCarriesRowsAndStatus) {
  EXPECT_EQ(hex(build_ok()), "00000002000000");
  EXPECT_EQ(hex(build_ok(300, kStatusAutocommit | kStatusMoreResults)), "00fc2c01000a000000");
  EXPECT_EQ(hex(build_ok(0, kStatusAutocommit, "hi")), "00000002000000026869");
}

TEST(Replies, EofIsClassic) {
  EXPECT_EQ(hex(build_eof(kStatusAutocommit | kStatusMoreResults)), "fe00000a00");
  EXPECT_EQ(hex(build_dump_eof()), "fe00000200");
}

TEST(Replies, ErrorHasTheSqlstateMarker) {
  const ByteBuffer error = build_error({1236, "HY000", "could not find next log"});
  EXPECT_EQ(as_text(Bytes(error).subspan(3)), "#HY000could not find next log");
  EXPECT_EQ(hex(Bytes(error).first(3)), "ffd404");
}

TEST(Replies, ErrorMayBeWithoutSqlState) {
  const ByteBuffer error = build_error({1043, "", "Bad handshake"});
  EXPECT_EQ(as_text(Bytes(error).subspan(3)), "Bad handshake");
}

TEST(Replies, ErrorTextsAreCutAsMysqldCutsThem) {
  EXPECT_EQ(build_error({1, "HY000", std::string(512, 'x')}).size(), 3 + 6 + kMaxErrorText);
  EXPECT_EQ(build_error({1, "HY000", std::string(511, 'x')}).size(), 3 + 6 + kMaxErrorText);
}

TEST(Replies, ErrorTextsEndWithAWholeCharacter) {
  const ByteBuffer error = build_error({1, "HY000", std::string(509, 'x') + "\u2713"});
  EXPECT_EQ(as_text(Bytes(error).subspan(9)), std::string(509, 'x'));
}

TEST(ResultSets, AreCountDefinitionsEofRowsEof) {
  ResultSet result;
  result.columns = {{"Log_name", ColumnType::var_string, false}, {"File_size", ColumnType::longlong, true}};
  result.rows = {{"binlog.000001", "157"}, {"binlog.000002", std::nullopt}};
  ByteBuffer out;
  std::uint8_t sequence = 1;
  append_result_set(out, result, &sequence);
  const auto payloads = payloads_of(out);
  ASSERT_EQ(payloads.size(), 7u);
  EXPECT_EQ(sequence, 8);
  EXPECT_EQ(hex(payloads[0]), "02");
  EXPECT_EQ(hex(payloads[3]), "fe00000200");
  EXPECT_EQ(as_text(payloads[4]),
            "\x0d"
            "binlog.000001"
            "\x03"
            "157");
  EXPECT_EQ(as_text(payloads[5]),
            "\x0d"
            "binlog.000002"
            "\xfb");
  EXPECT_EQ(hex(payloads[6]), "fe00000200");
}

struct Definition {
  std::string name;
  std::uint16_t charset;
  std::uint32_t length;
  std::uint8_t type;
  std::uint16_t flags;
  std::uint8_t decimals;
};

std::vector<Definition> definitions_of(const ResultSet& result) {
  ByteBuffer out;
  std::uint8_t sequence = 1;
  append_result_set(out, result, &sequence);
  const auto payloads = payloads_of(out);
  std::vector<Definition> definitions;
  for (std::size_t i = 1; i <= result.columns.size(); ++i) {
    ByteReader in(payloads[i]);
    EXPECT_EQ(in.length_encoded_text(), "def");
    for (int part = 0; part < 3; ++part) EXPECT_EQ(in.length_encoded_text(), "");  // schema, table, its own name
    Definition definition;
    definition.name = in.length_encoded_text();
    EXPECT_EQ(in.length_encoded_text(), "");
    EXPECT_EQ(in.length_encoded(), 0x0cu);
    definition.charset = in.u16();
    definition.length = in.u32();
    definition.type = in.u8();
    definition.flags = in.u16();
    definition.decimals = in.u8();
    in.skip(2);
    EXPECT_TRUE(in.at_end() && !in.failed());
    definitions.push_back(definition);
  }
  return definitions;
}

TEST(ResultSets, DefineTheirColumns) {
  ResultSet result;
  result.columns = {{"Position", ColumnType::longlong, true},
                    {"Server_Id", ColumnType::long_, false},
                    {"seconds", ColumnType::double_, false},
                    {"File", ColumnType::var_string, false}};
  result.rows = {{"4", "1", "0.5", std::string(1000, 'x')}};
  const auto columns = definitions_of(result);
  EXPECT_EQ(columns[0].name, "Position");
  EXPECT_EQ(columns[0].charset, 63);
  EXPECT_EQ(columns[0].type, 0x08);
  EXPECT_EQ(columns[0].flags, 0x20);
  EXPECT_EQ(columns[1].flags, 0);
  EXPECT_EQ(columns[2].decimals, 31);
  EXPECT_EQ(columns[3].charset, 45);
  EXPECT_EQ(columns[3].type, 0xfd);
  EXPECT_GE(columns[3].length, 1000u);
}

TEST(ResultSets, MayBeEmpty) {
  ResultSet result;
  result.columns = {{"Variable_name"}, {"Value"}};
  ByteBuffer out;
  std::uint8_t sequence = 1;
  append_result_set(out, result, &sequence);
  EXPECT_EQ(payloads_of(out).size(), 5u);
}

TEST(ResultSets, SplitRowsAboveOnePacket) {
  ResultSet result;
  result.columns = {{"Gtid_executed"}};
  result.rows = {{std::string(kMaxPacketPayload, 'g')}};
  ByteBuffer out;
  std::uint8_t sequence = 1;
  append_result_set(out, result, &sequence);
  EXPECT_EQ(sequence, 7);
}

}  // namespace
}  // namespace binrelay
