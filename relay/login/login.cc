#include "relay/login/login.h"

#include <openssl/rand.h>

#include <boost/asio/co_spawn.hpp>
#include <boost/asio/use_awaitable.hpp>

#include "protocol/conversation/login_errors.h"
#include "relay/commands/statement_answers.h"
#include "relay/commands/statement_errors.h"

namespace binrelay {

namespace asio = boost::asio;

namespace {

HandshakeRejected lost(const Error& error) {
  return {SqlError{}, "", "connection lost during login: " + error.context};
}

constexpr std::uint16_t kAccessDenied = 1045;
constexpr auto kLastWordTime = std::chrono::seconds(1);  // a refusal waits no longer for its reader

// What the account insists on and this connection has not got; for the log.
std::optional<std::string> missing_protection(const AccountConfig& account, const PacketChannel& channel) {
  const bool tls = !channel.tls_version().empty();
  if ((account.require_tls || account.require_client_certificate) && !tls)
    return "the account requires TLS, which the client does not use";
  if (!account.require_client_certificate) return std::nullopt;
  const auto subject = channel.peer_certificate_subject();
  if (!subject) return "the account requires a client certificate, and the client has shown none that counts";
  if (!account.client_certificate_subject.empty() && *subject != account.client_certificate_subject)
    return "the client's certificate is of " + *subject + ", not of " + account.client_certificate_subject;
  return std::nullopt;
}

// 5000 rounds of SHA-256, and RSA with a private key, are too long for an io thread.
asio::awaitable<std::optional<ByteBuffer>> decrypt_password(TlsContext& tls, ByteBuffer cipher) {
  co_return tls.decrypt(cipher);
}

asio::awaitable<bool> check_password(HandshakeCheckPassword check) {
  co_return password_matches(check.hash, check.password);
}

}  // namespace

Scramble random_scramble() {
  Scramble scramble;
  std::array<unsigned char, std::tuple_size_v<Scramble>> random{};
  BINRELAY_CHECK(RAND_bytes(random.data(), random.size()) == 1, "the system has no random numbers");
  for (std::size_t i = 0; i < random.size(); ++i) scramble[i] = static_cast<std::byte>(random[i] % 126 + 1);
  return scramble;
}

asio::awaitable<LoginOutcome> run_login(PacketChannel& channel, ServerGreeting greeting, ConnectionGate::Ticket& ticket,
                                        TlsContext& tls, UserDirectory& users, asio::thread_pool& workers,
                                        const LoginRetry* retry) {
  if (retry != nullptr) greeting.secure_channel = !channel.tls_version().empty();
  ServerHandshake handshake(std::move(greeting), channel.peer_address());
  HandshakeStep step =
      retry == nullptr ? handshake.start() : handshake.on_change_user(retry->request, retry->capabilities);
  std::shared_ptr<const AccountConfig> account;
  for (;;) {
    if (auto* send = std::get_if<HandshakeSend>(&step)) {
      const Status sent = co_await channel.send_payload(send->payload);
      if (!sent) co_return lost(sent.error());
      step = handshake.next_step();
    } else if (std::get_if<HandshakeWait>(&step)) {
      const Result<Bytes> payload = co_await channel.read_payload();
      if (!payload) co_return lost(payload.error());
      step = handshake.on_packet(*payload);
    } else if (std::get_if<HandshakeStartTls>(&step)) {
      const Status started = co_await channel.start_tls(tls.context());
      if (!started) co_return lost(started.error());
      step = handshake.on_tls_ready();
    } else if (auto* look_up = std::get_if<HandshakeLookUpUser>(&step)) {
      account = users.find(look_up->user, channel.peer_address());
      step = handshake.on_user(account ? std::optional(users.credentials(*account)) : std::nullopt);
    } else if (auto* decrypt = std::get_if<HandshakeDecrypt>(&step)) {
      auto clear =
          co_await asio::co_spawn(workers, decrypt_password(tls, std::move(decrypt->cipher)), asio::use_awaitable);
      step = handshake.on_decrypted(std::move(clear));
    } else if (auto* check = std::get_if<HandshakeCheckPassword>(&step)) {
      const bool matches = co_await asio::co_spawn(workers, check_password(std::move(*check)), asio::use_awaitable);
      step = handshake.on_password_checked(matches);
    } else if (auto* accepted = std::get_if<HandshakeAccepted>(&step)) {
      BINRELAY_CHECK(account != nullptr, "nobody is accepted without an account");
      if (auto missing = missing_protection(*account, channel)) {
        const SqlError denied = login_denied(accepted->user, channel.peer_address(), !account->password.text.empty());
        const ByteBuffer error = build_error(denied);
        (void)co_await channel.send_payload(error);
        co_return HandshakeRejected{denied, accepted->user, *std::move(missing)};
      }
      if (accepted->remember) users.remember(*account, *accepted->remember);
      // With pass-through the source knows more of them; it says so when it is asked for the first time.
      if (!account->metadata && !is_known_database(accepted->database)) {
        const SqlError unknown = unknown_database(accepted->database);
        const ByteBuffer error = build_error(unknown);
        (void)co_await channel.send_payload(error);
        co_return HandshakeRejected{unknown, accepted->user, unknown.text};
      }
      if (!ticket.log_in(accepted->user)) {
        const SqlError full = too_many_connections_of(accepted->user);
        const ByteBuffer error = build_error(full);
        (void)co_await channel.send_payload(error);
        co_return HandshakeRejected{full, accepted->user, full.text};
      }
      const ByteBuffer ok = build_ok(0, kStatusAutocommit, accepted->certificate_proof);
      const Status sent = co_await channel.send_payload(ok);
      if (!sent) co_return lost(sent.error());
      co_return LoggedIn{std::move(*accepted), std::move(account)};
    } else {
      auto& rejected = std::get<HandshakeRejected>(step);
      if (rejected.error.code == kAccessDenied) {
        const auto delay = ticket.on_wrong_password();
        channel.set_deadline(std::nullopt);
        co_await channel.pause(delay);
        channel.set_deadline(kLastWordTime);
      }
      if (rejected.error.code != 0) {
        const ByteBuffer error = build_error(rejected.error);
        (void)co_await channel.send_payload(error);
      }
      co_return std::move(rejected);
    }
  }
}

}  // namespace binrelay
