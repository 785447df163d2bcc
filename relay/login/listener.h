#pragma once
// Listener: accepts connections of one stream and hands each to a session on the next io thread.
// Thread: io thread 0 accepts. Owner: Stream; its SessionContext outlives the sessions.
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>

#include "protocol/result.h"
#include "relay/commands/session.h"
#include "relay/config/relay_config.h"
#include "relay/runtime/io_threads.h"

namespace binrelay {

class Listener {
 public:
  Listener(IoThreads& io, const SessionContext& context) : io_(io), context_(context) {}
  // Binds, listens, begins to accept. Errc::io names the address.
  Status start(const Endpoint& endpoint);
  void stop();  // any thread; returns when nothing more is accepted

 private:
  boost::asio::awaitable<void> accept_loop();

  IoThreads& io_;
  const SessionContext& context_;
  std::unique_ptr<boost::asio::ip::tcp::acceptor> acceptor_;
};

}  // namespace binrelay
