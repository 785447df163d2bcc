#include "relay/login/listener.h"

#include <spdlog/logger.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/detached.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/redirect_error.hpp>
#include <boost/asio/steady_timer.hpp>
#include <boost/asio/use_awaitable.hpp>
#include <future>

#include "protocol/conversation/login_errors.h"
#include "protocol/packet/replies.h"
#include "relay/login/packet_channel.h"

namespace binrelay {

namespace asio = boost::asio;
using asio::ip::tcp;

namespace {

constexpr auto kPauseAfterFailedAccept = std::chrono::milliseconds(100);

asio::awaitable<void> turn_away(std::shared_ptr<PacketChannel> channel) {
  const ByteBuffer error = build_error(too_many_connections());
  (void)co_await channel->send_payload(error);
  channel->close();
}

}  // namespace

Status Listener::start(const Endpoint& endpoint) {
  const auto failure = [&](const boost::system::error_code& code) {
    return Error{Errc::io,
                 "cannot listen on " + endpoint.host + ":" + std::to_string(endpoint.port) + ": " + code.message()};
  };
  boost::system::error_code failed;
  tcp::resolver resolver(io_.at(0));
  const auto addresses = resolver.resolve(endpoint.host, std::to_string(endpoint.port), tcp::resolver::passive, failed);
  if (failed) return failure(failed);
  const tcp::endpoint address = addresses.begin()->endpoint();

  acceptor_ = std::make_unique<tcp::acceptor>(io_.at(0));
  acceptor_->open(address.protocol(), failed);
  if (!failed) acceptor_->set_option(tcp::acceptor::reuse_address(true), failed);
  if (!failed) acceptor_->bind(address, failed);
  if (!failed) acceptor_->listen(tcp::acceptor::max_listen_connections, failed);
  if (failed) return failure(failed);
  asio::co_spawn(io_.at(0), accept_loop(), asio::detached);
  return Done{};
}

asio::awaitable<void> Listener::accept_loop() {
  while (acceptor_->is_open()) {
    auto& io = io_.next();
    boost::system::error_code failed;
    tcp::socket socket = co_await acceptor_->async_accept(io, asio::redirect_error(asio::use_awaitable, failed));
    if (failed == asio::error::operation_aborted) co_return;
    if (failed) {  // no file descriptors, say: others may close some
      context_.logger->warn("cannot accept a connection: {}", failed.message());
      asio::steady_timer pause(io_.at(0), kPauseAfterFailedAccept);
      co_await pause.async_wait(asio::redirect_error(asio::use_awaitable, failed));
      continue;
    }
    const auto remote = socket.remote_endpoint(failed);
    if (failed) continue;  // gone already
    auto ticket = context_.gate->admit(remote.address());
    if (!ticket) {
      asio::co_spawn(io, turn_away(std::make_shared<PacketChannel>(std::move(socket))), asio::detached);
      continue;
    }
    asio::co_spawn(io, run_session(std::move(socket), std::move(*ticket), io, context_), asio::detached);
  }
}

void Listener::stop() {
  if (!acceptor_) return;
  std::promise<void> closed;
  asio::post(io_.at(0), [&] {
    boost::system::error_code ignored;
    acceptor_->close(ignored);
    closed.set_value();
  });
  closed.get_future().wait();
}

}  // namespace binrelay
