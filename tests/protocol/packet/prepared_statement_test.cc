#include "protocol/packet/prepared_statement.h"

#include <gtest/gtest.h>

#include <bit>

#include "protocol/packet/packet_framer.h"
#include "protocol/wire/byte_reader.h"
#include "protocol/wire/byte_writer.h"

namespace binrelay {
namespace {

// What follows the statement's id: no cursor, one iteration, no NULLs unless said, the types and the values.
ByteBuffer request(const std::vector<std::uint16_t>& types, Bytes values, std::uint8_t nulls = 0) {
  ByteWriter out;
  out.u8(0).u32(1).u8(nulls).u8(1);
  for (const std::uint16_t type : types) out.u16(type);
  out.bytes(values);
  return std::move(out).take();
}

std::string decoded(std::uint16_t type, Bytes value) {
  std::vector<ParameterType> types;
  const auto values = decode_execute(request({type}, value), {std::nullopt}, &types);
  if (!values.ok()) return "error: " + values.error().context;
  return values->front() ? values->front()->text : "NULL";
}

std::string decoded_text(std::uint16_t type, std::string_view value) { return decoded(type, as_bytes(value)); }

constexpr std::uint16_t kUnsigned = 0x8000;

TEST(ExecutedStatement, BringsNumbersOfEverySize) {
  EXPECT_EQ(decoded_text(0x01, "\xff"), "-1");
  EXPECT_EQ(decoded_text(0x01 | kUnsigned, "\xff"), "255");
  EXPECT_EQ(decoded_text(0x02, "\xfe\xff"), "-2");
  EXPECT_EQ(decoded_text(0x03, "\xfd\xff\xff\xff"), "-3");
  EXPECT_EQ(decoded_text(0x08, "\xff\xff\xff\xff\xff\xff\xff\xff"), "-1");
  EXPECT_EQ(decoded_text(0x08 | kUnsigned, "\xff\xff\xff\xff\xff\xff\xff\xff"), "18446744073709551615");
  ByteWriter number;
  number.u64(std::bit_cast<std::uint64_t>(1.5));
  EXPECT_EQ(decoded(0x05, number.view()), "1.5");
  ByteWriter infinite;
  infinite.u64(std::bit_cast<std::uint64_t>(std::numeric_limits<double>::infinity()));
  EXPECT_EQ(decoded(0x05, infinite.view()), "NULL");
}

TEST(ExecutedStatement, BringsTextAndTimes) {
  using namespace std::string_literals;
  EXPECT_EQ(decoded_text(0xfd, "\x05hello"), "hello");
  EXPECT_EQ(decoded_text(0xf6,
                         "\x03"
                         "1.5"),
            "1.5");
  EXPECT_EQ(decoded_text(0x0a, "\x04\xea\x07\x0b\x16"s), "2026-11-22");
  EXPECT_EQ(decoded_text(0x0c, "\x07\xea\x07\x0b\x16\x01\x02\x03"s), "2026-11-22 01:02:03");
  EXPECT_EQ(decoded_text(0x0c, "\x0b\xea\x07\x0b\x16\x01\x02\x03\x01\x00\x00\x00"s), "2026-11-22 01:02:03.000001");
  EXPECT_EQ(decoded_text(0x0c, "\x00"s), "0000-00-00 00:00:00");
  EXPECT_EQ(decoded_text(0x0b, "\x08\x01\x01\x00\x00\x00\x02\x03\x04"s), "-26:03:04");
}

TEST(ExecutedStatement, KnowsNullsAndWhatWasSentAhead) {
  std::vector<ParameterType> types;
  const ByteBuffer bytes = request({0xfd, 0xfd, 0xfd}, as_bytes("\x01z"), 0b001);
  const auto values = decode_execute(bytes, {std::nullopt, "ahead", std::nullopt}, &types);
  ASSERT_TRUE(values.ok()) << values.error().context;
  EXPECT_FALSE((*values)[0]);
  EXPECT_EQ((*values)[1]->text, "ahead");
  EXPECT_EQ((*values)[2]->text, "z");
}

TEST(ExecutedStatement, RemembersTheTypesOfTheLastOne) {
  std::vector<ParameterType> types;
  ASSERT_TRUE(decode_execute(request({0x01}, as_bytes("\x07")), {std::nullopt}, &types).ok());
  ByteWriter again;
  again.u8(0).u32(1).u8(0).u8(0).u8(9);
  const auto values = decode_execute(again.view(), {std::nullopt}, &types);
  ASSERT_TRUE(values.ok());
  EXPECT_EQ(values->front()->text, "9");
  std::vector<ParameterType> none;
  EXPECT_FALSE(decode_execute(again.view(), {std::nullopt}, &none).ok());
}

TEST(ExecutedStatement, IsRefusedWhenItIsCutAnywhereOrOfAStrangeType) {
  const ByteBuffer whole = request({0x08, 0xfd}, as_bytes("\x01\x00\x00\x00\x00\x00\x00\x00\x03xyz"));
  for (std::size_t size = 0; size < whole.size(); ++size) {
    std::vector<ParameterType> types;
    EXPECT_FALSE(decode_execute(Bytes(whole).first(size), {std::nullopt, std::nullopt}, &types).ok()) << size;
  }
  EXPECT_EQ(decoded_text(0x20, "\x01"), "error: a parameter of type 32");
  EXPECT_EQ(decoded_text(0x0c, "\x05\x01\x02\x03\x04\x05"), "error: COM_STMT_EXECUTE");
}

TEST(BinaryRow, HoldsNumbersByTheirTypeAndTextByItsLength) {
  ResultSet result{{{"n", ColumnType::longlong}, {"t"}, {"d", ColumnType::double_}, {"z"}},
                   {{"-2", "ab", "1.5", std::nullopt}}};
  ByteBuffer out;
  std::uint8_t sequence = 1;
  append_row(out, result.columns, result.rows.front(), RowFormat::binary, &sequence);
  ByteReader in(out);
  in.skip(4);
  EXPECT_EQ(in.u8(), 0);
  EXPECT_EQ(in.u8(), 0b100000);  // the fourth is NULL
  EXPECT_EQ(in.u64(), static_cast<std::uint64_t>(-2));
  EXPECT_EQ(in.length_encoded_text(), "ab");
  EXPECT_EQ(std::bit_cast<double>(in.u64()), 1.5);
  EXPECT_TRUE(in.at_end());
}

}  // namespace
}  // namespace binrelay
