#include "relay/commands/sql_datetime.h"

#include <gtest/gtest.h>

#include <ctime>

namespace binrelay {
namespace {

TEST(SqlDatetimeTest, ReadsDatesAndTimes) {
  EXPECT_EQ(unix_time_of("1970-01-02", "UTC"), 86400);
  EXPECT_EQ(unix_time_of("2026-11-22 10:00:00", "UTC"), 1795341600);
  EXPECT_EQ(unix_time_of("2026-11-22T10:00:00.123456", "+00:00"), 1795341600);
  EXPECT_EQ(unix_time_of("2026-11-22 18:00", "+08:00"), 1795341600);
  EXPECT_EQ(unix_time_of("2026-11-22 4:30:00", "-05:30"), 1795341600);
  EXPECT_EQ(unix_time_of("2024-02-29", "UTC"), 1709164800);
}

TEST(SqlDatetimeTest, SystemIsThisMachinesZone) {
  const auto time = unix_time_of("2026-11-22 10:00:00", "SYSTEM");
  ASSERT_TRUE(time.has_value());
  const std::time_t seconds = *time;
  std::tm parts{};
  localtime_r(&seconds, &parts);
  EXPECT_EQ(parts.tm_hour, 10);
  EXPECT_EQ(parts.tm_mday, 22);
}

TEST(SqlDatetimeTest, RefusesWhatIsNone) {
  for (const char* text : {"", "garbage", "2026", "2026-13-01", "2026-02-29", "2026-11-22 ", "2026-11-22 24:00:00",
                           "2026-11-22 10:60", "2026-11-22 10:00:00x", "2026-11-22 10:00:00.1234567", "99-01-01"}) {
    EXPECT_EQ(unix_time_of(text, "UTC"), std::nullopt) << text;
  }
  for (const char* zone : {"", "Europe/Berlin", "+8", "+08:60", "+15:00", "+08:00 "})
    EXPECT_EQ(unix_time_of("2026-11-22", zone), std::nullopt) << zone;
}

}  // namespace
}  // namespace binrelay
