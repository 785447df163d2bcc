#include "storage/retention/read_pins.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

TEST(ReadPinsTest, TheHindmostReaderStopsAPurge) {
  ReadPins pins;
  auto near = pins.pin(SegmentNumber{7});
  auto far = pins.pin(SegmentNumber{3});
  auto beside = pins.pin(SegmentNumber{3});
  EXPECT_EQ(pins.raise_floor(SegmentNumber{9}), SegmentNumber{3});
  far->move_to(SegmentNumber{5});
  EXPECT_EQ(pins.raise_floor(SegmentNumber{9}), SegmentNumber{3});
  beside.reset();
  EXPECT_EQ(pins.oldest(), SegmentNumber{5});
  EXPECT_EQ(pins.raise_floor(SegmentNumber{4}), SegmentNumber{4});
  EXPECT_EQ(pins.raise_floor(SegmentNumber{9}), SegmentNumber{5});
  far.reset();
  near.reset();
  EXPECT_EQ(pins.oldest(), std::nullopt);
  EXPECT_EQ(pins.raise_floor(SegmentNumber{9}), SegmentNumber{9});
}

TEST(ReadPinsTest, NobodyGetsInBelowAPurgeThatHasBegun) {
  ReadPins pins;
  EXPECT_EQ(pins.raise_floor(SegmentNumber{4}), SegmentNumber{4});
  EXPECT_FALSE(pins.pin(SegmentNumber{3}).has_value());
  EXPECT_TRUE(pins.pin(SegmentNumber{4}).has_value());
  pins.lower_floor(SegmentNumber{2});
  EXPECT_TRUE(pins.pin(SegmentNumber{3}).has_value());
  EXPECT_FALSE(pins.pin(SegmentNumber{1}).has_value());
}

TEST(ReadPinsTest, APinThatMovedOutHoldsNothing) {
  ReadPins pins;
  auto first = pins.pin(SegmentNumber{2});
  ReadPins::Pin second = *std::move(first);
  first.reset();
  EXPECT_EQ(pins.oldest(), SegmentNumber{2});
  second = ReadPins::Pin();
  EXPECT_EQ(pins.oldest(), std::nullopt);
}

}  // namespace
}  // namespace binrelay
