#include "protocol/packet/greeting_view.h"

#include <gtest/gtest.h>

#include "protocol/conversation/login_request.h"
#include "protocol/conversation/server_handshake.h"
#include "protocol/packet/capabilities.h"

namespace binrelay {
namespace {

ByteBuffer greeting(bool offer_tls) {
  ServerGreeting said;
  said.version = "9.7.4";
  said.offer_tls = offer_tls;
  return build_greeting(said);
}

TEST(GreetingView, SaysTheVersionAndWhetherTlsIsOffered) {
  const ByteBuffer with = greeting(true), without = greeting(false);
  const auto tls = decode_greeting(with), clear = decode_greeting(without);
  ASSERT_TRUE(tls.ok());
  ASSERT_TRUE(clear.ok());
  EXPECT_EQ(tls->version, "9.7.4");
  EXPECT_NE(tls->capabilities & capability::kSsl, 0u);
  EXPECT_EQ(clear->capabilities & capability::kSsl, 0u);
}

TEST(GreetingView, RepeatsWhatAServerRefusesWith) {
  const auto refused = decode_greeting(as_bytes("\xff\x6a\x04Host is not allowed"));
  ASSERT_FALSE(refused.ok());
  EXPECT_EQ(refused.error().code, Errc::refused);
  EXPECT_EQ(refused.error().context, "Host is not allowed");
}

TEST(GreetingView, IsNothingThatEndsTooEarly) {
  const ByteBuffer whole = greeting(true);
  constexpr std::size_t kNeeded = 1 + 6 + 4 + 8 + 1 + 2;
  for (std::size_t size = 0; size < kNeeded; ++size)
    EXPECT_FALSE(decode_greeting(Bytes(whole).first(size)).ok()) << size;
  EXPECT_TRUE(decode_greeting(Bytes(whole).first(kNeeded)).ok());
  EXPECT_FALSE(decode_greeting(as_bytes("SSH-2.0-OpenSSH_9.2")).ok());
}

}  // namespace
}  // namespace binrelay
