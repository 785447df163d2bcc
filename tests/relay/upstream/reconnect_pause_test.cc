#include "relay/upstream/reconnect_pause.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

using std::chrono::milliseconds;
using Kind = SessionEnd::Kind;

constexpr double kNoJitter = 0.5;

TEST(ReconnectPause, DoublesUpToTenSecondsAndBeginsAnewAfterProgress) {
  ReconnectPause pause;
  const SessionEnd lost{Kind::lost, "", "", false, false};
  for (const int expected : {200, 400, 800, 1600, 3200, 6400, 10'000, 10'000})
    EXPECT_EQ(pause.after(lost, kNoJitter), milliseconds(expected));
  EXPECT_EQ(pause.after({Kind::lost, "", "", true, true}, kNoJitter), milliseconds(200));
  EXPECT_EQ(pause.after(lost, 0), milliseconds(300));
  EXPECT_LT(pause.after(lost, 0.999), milliseconds(1000));
}

TEST(ReconnectPause, BeginsAnewWithTheFirstContactAfterAnOutageOnly) {
  ReconnectPause pause;
  const SessionEnd unreachable{Kind::lost, "", "", false, false}, ended_at_once{Kind::lost, "", "", true, false};
  for (int i = 0; i < 5; ++i) (void)pause.after(unreachable, kNoJitter);
  EXPECT_EQ(pause.after(ended_at_once, kNoJitter), milliseconds(200));
  EXPECT_EQ(pause.after(ended_at_once, kNoJitter), milliseconds(400));
  EXPECT_EQ(pause.after(ended_at_once, kNoJitter), milliseconds(800));
}

TEST(ReconnectPause, IsLongWhereSomebodyHasToAct) {
  ReconnectPause pause;
  EXPECT_EQ(pause.after({Kind::refused, "", "", false, false}, kNoJitter), ReconnectPause::kSlow);
  EXPECT_EQ(pause.after({Kind::log_failed, "", "", false, false}, kNoJitter), ReconnectPause::kLog);
}

TEST(ReconnectPause, IsAfterALossWhereAnotherSourceMayBeBack) {
  ReconnectPause pause;
  const SessionEnd refused{Kind::refused, "", "", false, false};
  for (const int expected : {200, 400, 800, 1600, 3200, 6400, 10'000, 10'000})
    EXPECT_EQ(pause.after(refused, kNoJitter, true), milliseconds(expected));
}

TEST(ReconnectPause, GrowsLongAtAPlaceThatStaysDamaged) {
  ReconnectPause pause;
  const SessionEnd bad{Kind::bad_event, "", "b.000001:500", true, false};
  EXPECT_LT(pause.after(bad, kNoJitter), ReconnectPause::kSlow);
  EXPECT_LT(pause.after(bad, kNoJitter), ReconnectPause::kSlow);
  EXPECT_FALSE(pause.stuck());
  EXPECT_EQ(pause.after(bad, kNoJitter), ReconnectPause::kSlow);
  EXPECT_TRUE(pause.stuck());
  EXPECT_LT(pause.after({Kind::bad_event, "", "b.000001:900", true, true}, kNoJitter), ReconnectPause::kSlow);
  EXPECT_FALSE(pause.stuck());
}

}  // namespace
}  // namespace binrelay
