#include "relay/upstream/source_rota.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

using Kind = SessionEnd::Kind;

SessionEnd streamed() { return {Kind::lost, "", "", true, true}; }
SessionEnd unreachable() { return {Kind::lost, "", "", false, false}; }
SessionEnd refused() { return {Kind::refused, "", "", false, false}; }

TEST(SourceRota, OneSourceIsNeverLeft) {
  SourceRota rota(1);
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(rota.after(unreachable()));
    EXPECT_FALSE(rota.after(refused()));
  }
  EXPECT_EQ(rota.current(), 0u);
}

TEST(SourceRota, ASourceThatIsRestartedIsNotLeft) {
  SourceRota rota(2);
  for (int i = 0; i < 5; ++i) {
    EXPECT_FALSE(rota.after(streamed()));
    EXPECT_FALSE(rota.after(unreachable()));
  }
  EXPECT_EQ(rota.current(), 0u);
}

TEST(SourceRota, ASourceThatStaysAwayIsLeftForTheNextAtOnce) {
  SourceRota rota(2);
  rota.after(streamed());
  EXPECT_FALSE(rota.after(unreachable()));
  EXPECT_TRUE(rota.after(unreachable()));
  EXPECT_EQ(rota.current(), 1u);
}

TEST(SourceRota, ARefusedOneIsLeftAndARoundEndsWithAPause) {
  SourceRota rota(3);
  EXPECT_TRUE(rota.after(refused()));
  EXPECT_TRUE(rota.after(refused()));
  EXPECT_EQ(rota.current(), 2u);
  EXPECT_FALSE(rota.after(refused())) << "all were tried";
  EXPECT_EQ(rota.current(), 0u);
}

TEST(SourceRota, KnowsThatOneCouldNotBeReached) {
  SourceRota rota(2);
  EXPECT_FALSE(rota.one_is_lost());
  rota.after(unreachable());
  rota.after(unreachable());
  rota.after(refused());
  EXPECT_EQ(rota.current(), 0u);
  EXPECT_TRUE(rota.one_is_lost());
  rota.after(refused());
  EXPECT_FALSE(rota.one_is_lost()) << "both are there, and neither fits";
}

TEST(SourceRota, TroubleOfTheLogOrOfAnEventIsNoReasonToLeave) {
  SourceRota rota(2);
  for (const Kind kind : {Kind::bad_event, Kind::cut_short, Kind::log_failed}) {
    EXPECT_FALSE(rota.after({kind, "", "b.000001:4", true, false}));
    EXPECT_EQ(rota.current(), 0u);
  }
}

}  // namespace
}  // namespace binrelay
