#include "relay/upstream/room_wait.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

constexpr std::uintmax_t kMiB = 1u << 20;

LogPosition at(std::uint64_t offset) { return {SegmentNumber{1}, offset}; }

TEST(RoomWait, ALittleIsEnoughAtFirst) {
  const RoomWait room;
  EXPECT_EQ(room.wanted(at(4)), RoomWait::kFirst);
}

TEST(RoomWait, AnAttemptThatGotNowhereWantsMoreThanItHad) {
  RoomWait room;
  room.begin_attempt(40 * kMiB, at(1000));
  EXPECT_EQ(room.wanted(at(1000)), 41 * kMiB);
  room.begin_attempt(10'000 * kMiB, at(1000));
  EXPECT_EQ(room.wanted(at(1000)), RoomWait::kForAnything);
  room.begin_attempt(1, at(1000));
  EXPECT_EQ(room.wanted(at(1000)), RoomWait::kFirst);
}

TEST(RoomWait, AfterOneThatGotFurtherTheNextFullDiskIsAnother) {
  RoomWait room;
  room.begin_attempt(480 * kMiB, at(1000));
  EXPECT_EQ(room.wanted(at(1001)), RoomWait::kFirst);
  EXPECT_EQ(room.wanted({SegmentNumber{2}, 4}), RoomWait::kFirst);
}

TEST(RoomWait, AnotherReasonThanTheRoomIsForgotten) {
  RoomWait room;
  room.begin_attempt(480 * kMiB, at(1000));
  room.forget();
  EXPECT_EQ(room.wanted(at(1000)), RoomWait::kFirst);
}

}  // namespace
}  // namespace binrelay
