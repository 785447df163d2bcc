#include "protocol/wire/mysql_varint.h"

#include <gtest/gtest.h>

#include <limits>

namespace binrelay {
namespace {

std::string encoded(std::uint64_t value) {
  ByteWriter out;
  write_mysql_varint(out, value);
  return std::string(as_text(out.view()));
}

std::uint64_t decoded(std::string_view bytes) {
  ByteReader in(as_bytes(bytes));
  const std::uint64_t value = read_mysql_varint(in);
  EXPECT_TRUE(!in.failed() && in.at_end());
  return value;
}

TEST(MysqlVarint, LooksAsInRealEvents) {
  EXPECT_EQ(encoded(0), std::string("\0", 1));
  EXPECT_EQ(encoded(57), "\x72");        // size of a message in MySQL 9.7's tagged GTID event
  EXPECT_EQ(encoded(330), "\x29\x05");   // its transaction length
  EXPECT_EQ(encoded(0xd6), "\x59\x03");  // a byte of its UUID
}

TEST(MysqlVarint, GrowsBySevenBits) {
  for (unsigned bits = 1; bits <= 56; ++bits) {
    const std::uint64_t largest = (1ull << bits) - 1;
    EXPECT_EQ(encoded(largest).size(), (bits + 6) / 7) << bits;
  }
  EXPECT_EQ(encoded((1ull << 56)).size(), 9u);
}

TEST(MysqlVarint, ComesBackAsItWas) {
  for (unsigned bit = 0; bit < 64; ++bit) {
    for (const std::uint64_t value : {1ull << bit, (1ull << bit) - 1, (1ull << bit) + 12345})
      EXPECT_EQ(decoded(encoded(value)), value);
  }
  EXPECT_EQ(decoded(encoded(~0ull)), ~0ull);
}

TEST(MysqlVarint, MayBeLongerThanNeeded) { EXPECT_EQ(decoded(std::string("\x2b\0\0", 3)), 5u); }

TEST(MysqlVarint, FailsWhenItEndsEarly) {
  for (const char* bytes : {"", "\x01", "\x7f\x01", "\xff\x01\x01\x01\x01\x01\x01\x01"}) {
    ByteReader in(as_bytes(bytes));
    read_mysql_varint(in);
    EXPECT_TRUE(in.failed());
  }
}

TEST(Zigzag, PutsTheSignLast) {
  constexpr std::int64_t kLowest = std::numeric_limits<std::int64_t>::min();
  EXPECT_EQ(zigzag_encoded(-1), 1u);
  EXPECT_EQ(zigzag_encoded(1), 2u);
  for (const std::int64_t value : {std::int64_t{0}, std::int64_t{-5}, std::int64_t{1} << 40, kLowest, -(kLowest + 1)}) {
    EXPECT_EQ(zigzag_decoded(zigzag_encoded(value)), value);
  }
}

}  // namespace
}  // namespace binrelay
