#include "relay/config/account_host.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

AccountHost host(std::string_view text) { return AccountHost::parse(text).value(); }
bool admits(std::string_view pattern, std::string_view address) { return host(pattern).matches(address); }

TEST(AccountHost, AnAddressAdmitsItself) {
  EXPECT_TRUE(admits("10.1.2.3", "10.1.2.3"));
  EXPECT_FALSE(admits("10.1.2.3", "10.1.2.30"));
  EXPECT_TRUE(admits("fd00::1", "fd00:0:0::1"));
  EXPECT_FALSE(admits("fd00::1", "fd00::2"));
}

TEST(AccountHost, AnIPv4ClientOfAnIPv6ListenerIsThatClient) {
  EXPECT_TRUE(admits("10.1.2.3", "::ffff:10.1.2.3"));
  EXPECT_TRUE(admits("10.1.%", "::ffff:10.1.2.3"));
  EXPECT_TRUE(admits("10.1.0.0/16", "::ffff:10.1.2.3"));
  EXPECT_TRUE(admits("localhost", "::ffff:127.0.0.1"));
}

TEST(AccountHost, ANetworkAdmitsItsAddresses) {
  EXPECT_TRUE(admits("10.1.0.0/16", "10.1.255.255"));
  EXPECT_FALSE(admits("10.1.0.0/16", "10.2.0.0"));
  EXPECT_TRUE(admits("10.1.128.0/17", "10.1.128.0"));
  EXPECT_FALSE(admits("10.1.128.0/17", "10.1.127.255"));
  EXPECT_TRUE(admits("192.168.1.0/255.255.255.0", "192.168.1.77"));
  EXPECT_FALSE(admits("192.168.1.0/255.255.255.0", "192.168.2.77"));
  EXPECT_TRUE(admits("fd00::/8", "fdff::1"));
  EXPECT_FALSE(admits("fd00::/8", "fe80::1"));
  EXPECT_FALSE(admits("0.0.0.0/0", "fe80::1"));
  EXPECT_TRUE(admits("0.0.0.0/0", "1.2.3.4"));
}

TEST(AccountHost, APatternIsMatchedAsText) {
  EXPECT_TRUE(admits("%", "fe80::1%eth0"));
  EXPECT_TRUE(admits("10.1.%", "10.1.2.3"));
  EXPECT_FALSE(admits("10.1.%", "10.10.2.3"));
  EXPECT_TRUE(admits("10.1.2._", "10.1.2.3"));
  EXPECT_FALSE(admits("10.1.2._", "10.1.2.33"));
  EXPECT_TRUE(admits("%.3", "10.1.2.3"));
}

TEST(AccountHost, LocalhostIsThisMachine) {
  EXPECT_TRUE(admits("localhost", "127.0.0.1"));
  EXPECT_TRUE(admits("localhost", "::1"));
  EXPECT_FALSE(admits("localhost", "10.0.0.1"));
}

TEST(AccountHost, NarrowHostsAreAskedFirst) {
  const char* in_order[] = {"10.1.2.3", "10.1.2.0/24", "10.1.0.0/255.255.0.0", "10.1.2.%", "10.1.%", "1%", "%"};
  for (std::size_t i = 1; i < std::size(in_order); ++i)
    EXPECT_GT(host(in_order[i - 1]).rank(), host(in_order[i]).rank()) << in_order[i];
}

TEST(AccountHost, WhatIsNoHostIsRefused) {
  for (const char* text : {"", "db.example", "10.1.0.0/33", "10.1.0.0/255.0.255.0", "fd00::/129", "fd00::/255.0.0.0",
                           "10.1.0.0/", "10.1.0.0/x", "10.1.2", "x%", "10.1.0.0/-1"})
    EXPECT_FALSE(AccountHost::parse(text).ok()) << text;
  EXPECT_FALSE(AccountHost::parse(std::string(300, '%')).ok());
}

}  // namespace
}  // namespace binrelay
