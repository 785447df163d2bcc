#pragma once
// ConnectionGate decides who may come in and who has to wait: connections of the stream, of one account, and of one
// host that has not logged in yet are limited; a host whose logins fail is answered later and later.
// A host is an IPv4 address or an IPv6 /64: whoever has one address of such a network has all of them.
//
// Thread: any (one mutex). Owner: Stream; outlives its tickets.
// Invariant: memory is bounded by the connections and kMaxFailingHosts.
#include <boost/asio/ip/address.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "relay/config/relay_config.h"
#include "relay/login/connection_counters.h"

namespace binrelay {

class ConnectionGate {
 public:
  using Clock = std::chrono::steady_clock;
  static constexpr std::size_t kMaxFailingHosts = 4096;
  static constexpr unsigned kFreeFailures = 3;  // people mistype
  static constexpr std::chrono::milliseconds kFirstDelay{250}, kLongestDelay{8000};
  static constexpr std::chrono::minutes kForgetFailures{10};
  static constexpr unsigned kLogLinesPerSecond = 5;

  explicit ConnectionGate(const LimitsConfig& limits) : limits_(limits) {}
  ~ConnectionGate();

  // One connection's place. Given back when it goes.
  class Ticket {
   public:
    Ticket(Ticket&& other) noexcept;
    Ticket& operator=(Ticket&&) = delete;
    ~Ticket();
    // The password was right; also of another account, later on. False: the account has as many connections as it may.
    bool log_in(const std::string& user);
    // The password was wrong: how long the answer is to wait. The place stays taken meanwhile, so that guessing gets no
    // faster by hanging up.
    std::chrono::milliseconds on_wrong_password(Clock::time_point now = Clock::now());

   private:
    friend class ConnectionGate;
    Ticket(ConnectionGate& gate, std::string host) : gate_(&gate), host_(std::move(host)) {}
    ConnectionGate* gate_;
    std::string host_;
    std::optional<std::string> user_;  // set: logged in
  };

  // nullopt: no room.
  std::optional<Ticket> admit(const boost::asio::ip::address& address);

  const LimitsConfig& limits() const { return limits_; }
  ConnectionCounters& counters() { return counters_; }
  const ConnectionCounters& counters() const { return counters_; }
  std::size_t failing_hosts() const;
  // Guessing must not fill the disk with log lines. nullopt: say nothing; else how many refusals were not told of
  // before.
  std::optional<std::uint64_t> may_log_refusal(Clock::time_point now = Clock::now());

 private:
  struct Failures {
    unsigned count = 0;
    Clock::time_point last{};
  };
  void leave(const Ticket& ticket);
  static void count_down(std::map<std::string, std::size_t>& counts, const std::string& key);
  void make_room_for_failures(Clock::time_point now);

  const LimitsConfig limits_;
  ConnectionCounters counters_;
  mutable std::mutex mutex_;  // guards what follows
  std::size_t connections_ = 0;
  std::map<std::string, std::size_t> logging_in_;  // by host
  std::map<std::string, std::size_t> logged_in_;   // by account
  std::map<std::string, Failures> failures_;       // by host
  Clock::time_point log_second_{};                 // when the current second of log lines began
  unsigned log_lines_ = 0;                         // in it
  std::uint64_t unlogged_ = 0;
};

}  // namespace binrelay
