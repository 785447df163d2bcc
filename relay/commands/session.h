#pragma once
// run_session: one connection from greeting to close: login, commands, at most one dump.
// Thread: the io thread the socket was accepted on. Borrows: everything in SessionContext outlives the sessions.
#include <atomic>
#include <boost/asio/awaitable.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/thread_pool.hpp>
#include <cstdint>
#include <functional>
#include <memory>

#include "relay/commands/replica_registry.h"
#include "relay/commands/statement_answers.h"
#include "relay/dump/tail_signal.h"
#include "relay/filter/account_views.h"
#include "relay/login/connection_gate.h"
#include "relay/login/tls_context.h"
#include "relay/login/user_directory.h"
#include "relay/passthrough/pass_through.h"
#include "storage/event_log.h"

namespace spdlog {
class logger;
}

namespace binrelay {

// What a stream lends to its sessions.
struct SessionContext {
  EventLog* log = nullptr;
  ReplicaRegistry* registry = nullptr;
  UserDirectory* users = nullptr;
  TailSignal* tail = nullptr;
  ConnectionGate* gate = nullptr;
  boost::asio::thread_pool* readers = nullptr;
  std::shared_ptr<spdlog::logger> logger;
  std::function<std::shared_ptr<const SourceIdentity>()> source;  // never null once the stream listens
  std::function<std::shared_ptr<TlsContext>()> tls;               // never null; a reload replaces it
  std::int64_t started_at = 0;
  Housekeeper* housekeeper = nullptr;
  std::function<ReplicaStatus()> upstream{};
  const AccountViews* views = nullptr;  // nullptr: every account is sent everything
  PassThrough* pass_through = nullptr;  // nullptr: no statement reaches the source
  boost::asio::thread_pool* askers = nullptr;
};

boost::asio::awaitable<void> run_session(boost::asio::ip::tcp::socket socket, ConnectionGate::Ticket ticket,
                                         boost::asio::io_context& io, const SessionContext& context);

// The version in greeting, VERSION() and everywhere: the source's own.
std::string greeting_version(const SourceIdentity& source);

}  // namespace binrelay
