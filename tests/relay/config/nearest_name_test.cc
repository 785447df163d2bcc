#include "relay/config/nearest_name.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

TEST(NearestName, FindsWhatASlipMeant) {
  const std::vector<std::string> keys{"heartbeat_ms", "host", "port", "user"};
  EXPECT_EQ(nearest_name("heartbeet_ms", keys), "heartbeat_ms");
  EXPECT_EQ(nearest_name("hsot", keys), "host");
  EXPECT_EQ(nearest_name("prot", keys), "port");
  EXPECT_EQ(nearest_name("users", keys), "user");
}

TEST(NearestName, DoesNotGuessWildly) {
  EXPECT_EQ(nearest_name("colour", {"host", "port"}), std::nullopt);
  EXPECT_EQ(nearest_name("", {"host"}), std::nullopt);
  EXPECT_EQ(nearest_name(std::string(1000, 'x'), {"host"}), std::nullopt);
}

}  // namespace
}  // namespace binrelay
