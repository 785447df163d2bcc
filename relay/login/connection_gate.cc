#include "relay/login/connection_gate.h"

#include <algorithm>
#include <utility>

#include "protocol/check.h"

namespace binrelay {
namespace {

using boost::asio::ip::address;

std::string host_key(const address& from) {
  if (from.is_v4()) return from.to_string();
  const auto v6 = from.to_v6();
  if (v6.is_v4_mapped()) return make_address_v4(boost::asio::ip::v4_mapped, v6).to_string();
  constexpr std::size_t kNetworkBytes = 8;
  auto bytes = v6.to_bytes();
  std::fill(bytes.begin() + kNetworkBytes, bytes.end(), static_cast<unsigned char>(0));
  return boost::asio::ip::address_v6(bytes).to_string();
}

}  // namespace

ConnectionGate::~ConnectionGate() { BINRELAY_CHECK(connections_ == 0, "a gate outlives its tickets"); }

std::optional<ConnectionGate::Ticket> ConnectionGate::admit(const address& from) {
  std::string host = host_key(from);
  const std::lock_guard lock(mutex_);
  const auto waiting = logging_in_.find(host);
  const bool host_full = waiting != logging_in_.end() && waiting->second >= limits_.logins_per_host;
  if (host_full || connections_ >= limits_.connections) {
    counters_.on_turned_away();
    return std::nullopt;
  }
  counters_.on_accepted();
  ++connections_;
  ++logging_in_[host];
  return Ticket(*this, std::move(host));
}

void ConnectionGate::count_down(std::map<std::string, std::size_t>& counts, const std::string& key) {
  const auto found = counts.find(key);
  BINRELAY_CHECK(found != counts.end() && found->second > 0, "a ticket is counted");
  if (--found->second == 0) counts.erase(found);
}

void ConnectionGate::leave(const Ticket& ticket) {
  const std::lock_guard lock(mutex_);
  --connections_;
  count_down(ticket.user_ ? logged_in_ : logging_in_, ticket.user_ ? *ticket.user_ : ticket.host_);
}

std::size_t ConnectionGate::failing_hosts() const {
  const std::lock_guard lock(mutex_);
  return failures_.size();
}

std::optional<std::uint64_t> ConnectionGate::may_log_refusal(Clock::time_point now) {
  const std::lock_guard lock(mutex_);
  if (now - log_second_ >= std::chrono::seconds(1)) {
    log_second_ = now;
    log_lines_ = 0;
  }
  if (log_lines_ == kLogLinesPerSecond) {
    ++unlogged_;
    return std::nullopt;
  }
  ++log_lines_;
  return std::exchange(unlogged_, 0);
}

// What is old goes first. When everybody is young, whoever failed longest ago is forgiven.
void ConnectionGate::make_room_for_failures(Clock::time_point now) {
  if (failures_.size() < kMaxFailingHosts) return;
  std::erase_if(failures_, [&](const auto& entry) { return now - entry.second.last >= kForgetFailures; });
  if (failures_.size() < kMaxFailingHosts) return;
  const auto oldest = std::min_element(failures_.begin(), failures_.end(), [](const auto& left, const auto& right) {
    return left.second.last < right.second.last;
  });
  failures_.erase(oldest);
}

ConnectionGate::Ticket::Ticket(Ticket&& other) noexcept
    : gate_(std::exchange(other.gate_, nullptr)), host_(std::move(other.host_)), user_(std::move(other.user_)) {}

ConnectionGate::Ticket::~Ticket() {
  if (gate_) gate_->leave(*this);
}

bool ConnectionGate::Ticket::log_in(const std::string& user) {
  BINRELAY_CHECK(gate_, "a ticket in use");
  if (user_ == user) return true;
  const std::lock_guard lock(gate_->mutex_);
  auto& logged_in = gate_->logged_in_;
  const auto found = logged_in.find(user);
  if (found != logged_in.end() && found->second >= gate_->limits_.connections_per_account) {
    gate_->counters_.on_turned_away();
    return false;
  }
  ++logged_in[user];
  count_down(user_ ? logged_in : gate_->logging_in_, user_ ? *user_ : host_);
  gate_->failures_.erase(host_);
  user_ = user;
  return true;
}

std::chrono::milliseconds ConnectionGate::Ticket::on_wrong_password(Clock::time_point now) {
  gate_->counters_.on_refused_login();
  const std::lock_guard lock(gate_->mutex_);
  if (!gate_->failures_.contains(host_)) gate_->make_room_for_failures(now);
  Failures& failures = gate_->failures_[host_];
  if (now - failures.last >= kForgetFailures) failures.count = 0;
  failures.last = now;
  ++failures.count;
  if (failures.count <= kFreeFailures) return std::chrono::milliseconds(0);
  constexpr unsigned kDoublings = 5;  // 250 ms to 8 s
  return std::min(kLongestDelay, kFirstDelay * (1 << std::min(failures.count - kFreeFailures - 1, kDoublings)));
}

}  // namespace binrelay
