#include "protocol/wire/byte_reader.h"

#include <gtest/gtest.h>

#include "protocol/wire/byte_writer.h"

namespace binrelay {
namespace {

TEST(ByteReader, ReadsWhatByteWriterWrote) {
  ByteWriter out;
  out.u8(0x11).u16(0x2211).u24(0x332211).u32(0x44332211).u48(0x665544332211).u64(0x8877665544332211);
  out.length_encoded_text("name").nul_terminated_text("text").text("rest");
  ByteReader in(out.view());
  EXPECT_EQ(in.u8(), 0x11);
  EXPECT_EQ(in.u16(), 0x2211);
  EXPECT_EQ(in.u24(), 0x332211u);
  EXPECT_EQ(in.u32(), 0x44332211u);
  EXPECT_EQ(in.u48(), 0x665544332211u);
  EXPECT_EQ(in.u64(), 0x8877665544332211u);
  EXPECT_EQ(in.length_encoded_text(), "name");
  EXPECT_EQ(in.nul_terminated_text(), "text");
  EXPECT_EQ(as_text(in.rest()), "rest");
  EXPECT_TRUE(in.at_end());
  EXPECT_FALSE(in.failed());
}

TEST(ByteReader, FailsForGoodOnceItReadsPastTheEnd) {
  ByteReader in(as_bytes("abc"));
  EXPECT_EQ(in.u32(), 0u);
  EXPECT_TRUE(in.failed());
  EXPECT_EQ(in.u8(), 0) << "bytes are left, but a failed reader gives none";
  EXPECT_TRUE(in.rest().empty());
}

TEST(ByteReader, RefusesACountThatWouldOverflow) {
  ByteReader in(as_bytes("abc"));
  in.u8();
  EXPECT_TRUE(in.take(~0ull).empty());
  EXPECT_TRUE(in.failed());
}

TEST(ByteReader, NeedsTheNul) {
  ByteReader in(as_bytes("abc"));
  EXPECT_EQ(in.nul_terminated_text(), "");
  EXPECT_TRUE(in.failed());
}

struct Encoded {
  std::uint64_t value;
  std::size_t size;
};

// The limits of the MySQL manual's table of length-encoded integers.
TEST(LengthEncoded, ChangesSizeWhereTheManualSays) {
  for (const auto [value, size] :
       {Encoded{0, 1}, {250, 1}, {251, 3}, {0xffff, 3}, {0x10000, 4}, {0xffffff, 4}, {0x1000000, 9}, {~0ull, 9}}) {
    ByteWriter out;
    out.length_encoded(value);
    EXPECT_EQ(out.size(), size) << value;
    ByteReader in(out.view());
    EXPECT_EQ(in.length_encoded(), value);
    EXPECT_TRUE(in.at_end());
    EXPECT_FALSE(in.failed());
  }
}

TEST(LengthEncoded, RefusesNullAndErrorMarks) {
  for (const char* bytes : {"\xfb", "\xff"}) {
    ByteReader in(as_bytes(bytes));
    in.length_encoded();
    EXPECT_TRUE(in.failed());
  }
}

}  // namespace
}  // namespace binrelay
