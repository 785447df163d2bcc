#include "relay/dump/sent_segments.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

class SentSegmentsTest : public testing::Test {
 protected:
  void enter(std::uint64_t segment, std::uint64_t sent_bytes) {
    sent_.enter(SegmentNumber{segment}, *pins_.pin(SegmentNumber{segment}), sent_bytes);
  }

  ReadPins pins_;
  SentSegments sent_;
};

TEST_F(SentSegmentsTest, HoldsWhatHasNotBeenAcknowledged) {
  enter(1, 0);
  enter(2, 100);
  enter(3, 200);
  sent_.acknowledged(99, true);
  EXPECT_EQ(sent_.oldest(), SegmentNumber{1});
  EXPECT_EQ(pins_.oldest(), SegmentNumber{1});
  sent_.acknowledged(100, true);
  EXPECT_EQ(sent_.oldest(), SegmentNumber{2});
  EXPECT_EQ(pins_.oldest(), SegmentNumber{2});
  sent_.acknowledged(5000, true);
  EXPECT_EQ(sent_.oldest(), SegmentNumber{3}) << "the one being sent stays";
  EXPECT_FALSE(sent_.more_than_one());
}

TEST_F(SentSegmentsTest, WhoLagsMayHaveAFullReceiveBufferUnread) {
  enter(1, 0);
  enter(2, 100);
  enter(3, 200);
  sent_.acknowledged(SentSegments::kUnread + 99, false);
  EXPECT_EQ(sent_.oldest(), SegmentNumber{1});
  sent_.acknowledged(SentSegments::kUnread + 100, false);
  EXPECT_EQ(sent_.oldest(), SegmentNumber{2});
}

}  // namespace
}  // namespace binrelay
