#include "protocol/wire/crc32.h"

#include <gtest/gtest.h>
#include <zlib.h>

#include <string>

namespace binrelay {
namespace {

TEST(Crc32, IsTheOneOfZlib) {
  std::string text;
  for (int size = 0; size < 300; ++size) {
    EXPECT_EQ(crc32(as_bytes(text)),
              ::crc32(0, reinterpret_cast<const Bytef*>(text.data()), static_cast<uInt>(text.size())));
    text += static_cast<char>(size * 7);
  }
  EXPECT_EQ(crc32(as_bytes("123456789")), 0xcbf43926u);
}

TEST(Crc32, ContinuesFromASeed) { EXPECT_EQ(crc32(as_bytes("6789"), crc32(as_bytes("12345"))), 0xcbf43926u); }

}  // namespace
}  // namespace binrelay
