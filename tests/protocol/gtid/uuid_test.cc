#include "protocol/gtid/uuid.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

constexpr std::string_view kText = "3e11fa47-71ca-11e1-9e33-c80aa9429562";

TEST(Uuid, TakesEveryFormMysqldTakes) {
  const Uuid uuid = parse_uuid(kText).value();
  EXPECT_EQ(to_text(uuid), kText);
  EXPECT_EQ(parse_uuid("3E11FA47-71CA-11E1-9E33-C80AA9429562").value(), uuid);
  EXPECT_EQ(parse_uuid("3e11fa4771ca11e19e33c80aa9429562").value(), uuid);
  EXPECT_EQ(parse_uuid("{3e11fa47-71ca-11e1-9e33-c80aa9429562}").value(), uuid);
  EXPECT_EQ(uuid.bytes[0], 0x3e);
  EXPECT_EQ(uuid.bytes[15], 0x62);
}

TEST(Uuid, RefusesOtherTexts) {
  for (const char* text :
       {"", "3e11fa47", "3e11fa47-71ca-11e1-9e33-c80aa942956g", "3e11fa4771-ca-11e1-9e33-c80aa9429562",
        "{3e11fa47-71ca-11e1-9e33-c80aa9429562", "3e11fa47-71ca-11e1-9e33-c80aa94295622"}) {
    EXPECT_FALSE(parse_uuid(text).ok()) << text;
  }
}

}  // namespace
}  // namespace binrelay
