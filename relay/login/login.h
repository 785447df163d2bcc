#pragma once
// run_login performs the steps of ServerHandshake on a channel.
#include <boost/asio/awaitable.hpp>
#include <boost/asio/thread_pool.hpp>
#include <memory>
#include <variant>

#include "protocol/conversation/server_handshake.h"
#include "relay/login/connection_gate.h"
#include "relay/login/packet_channel.h"
#include "relay/login/tls_context.h"
#include "relay/login/user_directory.h"

namespace binrelay {

struct LoggedIn {
  HandshakeAccepted handshake;
  std::shared_ptr<const AccountConfig> account;
};
using LoginOutcome = std::variant<LoggedIn, HandshakeRejected>;

// COM_CHANGE_USER: what it said behind its first byte, on a connection whose client has these capabilities.
struct LoginRetry {
  ByteBuffer request;
  std::uint32_t capabilities = 0;
};

// Ends with the OK or the error sent; the error of a wrong password waits as long as `ticket` says. A connection lost
// on the way is a rejection without an error. `workers` does the slow password check. With `retry` no greeting is sent:
// `greeting` is the connection's.
boost::asio::awaitable<LoginOutcome> run_login(PacketChannel& channel, ServerGreeting greeting,
                                               ConnectionGate::Ticket& ticket, TlsContext& tls, UserDirectory& users,
                                               boost::asio::thread_pool& workers, const LoginRetry* retry);

// 20 random bytes of 7 bits without NUL.
Scramble random_scramble();

}  // namespace binrelay
