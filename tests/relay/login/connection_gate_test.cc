// Who may come in, who waits, and that neither takes memory without end.
#include "relay/login/connection_gate.h"

#include <gtest/gtest.h>

#include <vector>

namespace binrelay {
namespace {

using boost::asio::ip::make_address;
using Ticket = ConnectionGate::Ticket;
using std::chrono::milliseconds;

class ConnectionGateTest : public testing::Test {
 protected:
  std::optional<Ticket> admit(const std::string& from) { return gate_.admit(make_address(from)); }
  milliseconds fail(const std::string& from) {
    auto ticket = admit(from);
    return ticket->on_wrong_password(now_);
  }

  ConnectionGate gate_{LimitsConfig{.connections = 6,
                                    .connections_per_account = 2,
                                    .logins_per_host = 3,
                                    .login_seconds = 1,
                                    .slow_consumer_seconds = 1}};
  ConnectionGate::Clock::time_point now_ = ConnectionGate::Clock::now();
};

TEST_F(ConnectionGateTest, OneHostCannotTakeAllPlaces) {
  std::vector<Ticket> held;
  for (int i = 0; i < 3; ++i) held.push_back(*admit("10.0.0.1"));
  EXPECT_FALSE(admit("10.0.0.1"));
  EXPECT_TRUE(admit("10.0.0.2"));
  EXPECT_FALSE(admit("::ffff:10.0.0.1")) << "the same host on a socket for both families";
  held.pop_back();
  EXPECT_TRUE(admit("10.0.0.1"));
  EXPECT_EQ(gate_.counters().read().turned_away, 2u);
}

TEST_F(ConnectionGateTest, WhoHasLoggedInCountsForItsAccount) {
  std::vector<Ticket> held;
  for (int i = 0; i < 2; ++i) {
    held.push_back(*admit("10.0.0.1"));
    EXPECT_TRUE(held.back().log_in("replica"));
  }
  auto third = admit("10.0.0.1");
  EXPECT_FALSE(third->log_in("replica"));
  EXPECT_TRUE(admit("10.0.0.1")->log_in("other"));
  held.pop_back();
  EXPECT_TRUE(third->log_in("replica"));
}

TEST_F(ConnectionGateTest, TheStreamHasAnEnd) {
  std::vector<Ticket> held;
  for (int i = 0; i < 6; ++i) held.push_back(*admit("10.0.1." + std::to_string(i)));
  EXPECT_FALSE(admit("10.0.2.1"));
  held.clear();
  EXPECT_TRUE(admit("10.0.2.1"));
}

TEST_F(ConnectionGateTest, AnIpv6NetworkIsOneHost) {
  std::vector<Ticket> held;
  for (int i = 0; i < 3; ++i) held.push_back(*admit("2001:db8:1:2::" + std::to_string(i)));
  EXPECT_FALSE(admit("2001:db8:1:2:ffff::9"));
  EXPECT_TRUE(admit("2001:db8:1:3::1"));
}

TEST_F(ConnectionGateTest, GuessingGetsSlower) {
  for (const int expected : {0, 0, 0, 250, 500, 1000, 2000, 4000, 8000, 8000, 8000})
    EXPECT_EQ(fail("10.0.0.1"), milliseconds(expected));
  EXPECT_EQ(fail("10.0.0.2"), milliseconds(0)) << "another host is not punished";
  now_ += ConnectionGate::kForgetFailures;
  EXPECT_EQ(fail("10.0.0.1"), milliseconds(0)) << "long ago";
}

TEST_F(ConnectionGateTest, TheRightPasswordForgives) {
  for (int i = 0; i < 5; ++i) fail("10.0.0.1");
  EXPECT_TRUE(admit("10.0.0.1")->log_in("replica"));
  EXPECT_EQ(fail("10.0.0.1"), milliseconds(0));
}

TEST_F(ConnectionGateTest, GuessingDoesNotFillTheLog) {
  for (unsigned i = 0; i < ConnectionGate::kLogLinesPerSecond; ++i) EXPECT_EQ(gate_.may_log_refusal(now_), 0u);
  for (int i = 0; i < 195; ++i) EXPECT_EQ(gate_.may_log_refusal(now_), std::nullopt);
  now_ += std::chrono::seconds(1);
  EXPECT_EQ(gate_.may_log_refusal(now_), 195u);
  EXPECT_EQ(gate_.may_log_refusal(now_), 0u);
}

TEST_F(ConnectionGateTest, AMillionHostsTakeBoundedMemory) {
  for (unsigned host = 0; host < 3 * ConnectionGate::kMaxFailingHosts; ++host) {
    auto ticket = gate_.admit(boost::asio::ip::address_v4(host));
    now_ += milliseconds(1);
    ticket->on_wrong_password(now_);
    ASSERT_LE(gate_.failing_hosts(), ConnectionGate::kMaxFailingHosts);
  }
  // The ones that failed last are remembered.
  auto ticket = gate_.admit(boost::asio::ip::address_v4(3 * ConnectionGate::kMaxFailingHosts - 1));
  for (int i = 0; i < 2; ++i) ticket->on_wrong_password(now_);
  EXPECT_EQ(ticket->on_wrong_password(now_), ConnectionGate::kFirstDelay);
}

}  // namespace
}  // namespace binrelay
