// When the relay offers to acknowledge.
#include "relay/upstream/semi_sync.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

constexpr std::chrono::milliseconds kMaxSync{500};

class SemiSyncTest : public testing::Test {
 protected:
  bool begin(std::uint64_t behind = 0) { return semi_sync_.begin_dump(behind, now_); }
  SemiSync semi_sync_{true, kMaxSync};
  SemiSync::Clock::time_point now_ = SemiSync::Clock::now();
};

TEST_F(SemiSyncTest, NothingIsOfferedUnlessAskedFor) {
  SemiSync off(false, kMaxSync);
  EXPECT_FALSE(off.begin_dump(0, now_));
  EXPECT_FALSE(off.should_come_again(now_));
}

TEST_F(SemiSyncTest, WhoIsFarBehindCatchesUpFirst) {
  EXPECT_FALSE(begin(SemiSync::kNearEnd + 1));
  EXPECT_TRUE(semi_sync_.should_come_again(now_)) << "once it has caught up";
  EXPECT_TRUE(begin(100));
  semi_sync_.on_taken(true, now_);
  EXPECT_TRUE(semi_sync_.report().active);
  EXPECT_FALSE(semi_sync_.should_come_again(now_));
}

TEST_F(SemiSyncTest, ASourceWithoutThePluginIsAskedAgainMuchLater) {
  EXPECT_TRUE(begin());
  semi_sync_.on_taken(false, now_);
  EXPECT_FALSE(semi_sync_.should_come_again(now_ + std::chrono::minutes(5)));
  EXPECT_TRUE(semi_sync_.should_come_again(now_ + SemiSync::kUnknownPause)) << "somebody may have loaded it";
}

TEST_F(SemiSyncTest, AWithdrawnOfferIsMadeAgainLaterAndLater) {
  auto pause = SemiSync::kFirstPause;
  for (int i = 0; i < 10; ++i) {
    EXPECT_TRUE(begin());
    semi_sync_.on_taken(true, now_);
    semi_sync_.withdraw(now_);
    EXPECT_FALSE(begin());
    EXPECT_FALSE(semi_sync_.should_come_again(now_ + pause - std::chrono::seconds(1)));
    EXPECT_TRUE(semi_sync_.should_come_again(now_ + pause));
    now_ += pause;
    pause = std::min(2 * pause, SemiSync::kLongestPause);
  }
  EXPECT_EQ(semi_sync_.report().withdrawn, 10u);
}

TEST_F(SemiSyncTest, AfterAGoodTimeThePauseIsShortAgain) {
  for (int i = 0; i < 5; ++i) semi_sync_.withdraw(now_);
  now_ += 3 * SemiSync::kLongestPause;
  semi_sync_.withdraw(now_);
  EXPECT_TRUE(semi_sync_.should_come_again(now_ + SemiSync::kFirstPause));
}

}  // namespace
}  // namespace binrelay
