#include "relay/login/user_directory.h"

#include <gtest/gtest.h>

namespace binrelay {
namespace {

AccountConfig account(std::string user, std::string_view host, const char* password) {
  AccountConfig made;
  made.user = std::move(user);
  made.host = AccountHost::parse(host).value();
  made.password = parse_password_hash(native_password_hash(password)).value();
  return made;
}

std::string host_found(const UserDirectory& users, std::string_view address) {
  const auto found = users.find("cdc", address);
  return found ? found->host.text() : "nobody";
}

TEST(UserDirectory, TheNarrowestHostCounts) {
  const UserDirectory users({account("cdc", "10.%", "a"), account("cdc", "10.1.2.3", "b"),
                             account("cdc", "10.1.0.0/16", "c"), account("other", "%", "d")});
  EXPECT_EQ(host_found(users, "10.1.2.3"), "10.1.2.3");
  EXPECT_EQ(host_found(users, "10.1.2.4"), "10.1.0.0/16");
  EXPECT_EQ(host_found(users, "10.2.0.1"), "10.%");
  EXPECT_EQ(host_found(users, "11.0.0.1"), "nobody");
  EXPECT_EQ(users.find("CDC", "10.1.2.3"), nullptr);
}

TEST(UserDirectory, WhatALoginTaughtIsKeptWhileThePasswordStays) {
  UserDirectory users({account("cdc", "%", "a"), account("other", "%", "b")});
  const auto cdc = users.find("cdc", "10.0.0.1");
  users.remember(*cdc, Sha256Digest{});
  EXPECT_TRUE(users.credentials(*cdc).remembered);
  EXPECT_FALSE(users.credentials(*users.find("other", "10.0.0.1")).remembered);

  users.replace({account("cdc", "%", "a")});
  EXPECT_TRUE(users.credentials(*users.find("cdc", "10.0.0.1")).remembered);
  EXPECT_EQ(users.find("other", "10.0.0.1"), nullptr);

  users.replace({account("cdc", "%", "changed")});
  EXPECT_FALSE(users.credentials(*users.find("cdc", "10.0.0.1")).remembered);
  users.remember(*cdc, Sha256Digest{});  // a login that was under way with the old password
  EXPECT_FALSE(users.credentials(*users.find("cdc", "10.0.0.1")).remembered);
}

}  // namespace
}  // namespace binrelay
