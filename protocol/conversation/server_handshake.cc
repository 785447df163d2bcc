#include "protocol/conversation/server_handshake.h"

#include <utility>

#include "protocol/check.h"
#include "protocol/conversation/login_errors.h"
#include "protocol/packet/capabilities.h"

namespace binrelay {

namespace {

// caching_sha2_password's one-byte vocabulary (MySQL manual, "Caching_sha2_password information").
constexpr std::byte kMoreData{0x01};
constexpr std::byte kFastAuthOk{0x03};
constexpr std::byte kFullAuthNeeded{0x04};
constexpr std::byte kPublicKeyRequest{0x02};

bool is_known_plugin(std::string_view plugin) { return plugin == kNativePassword || plugin == kCachingSha2Password; }

// What an unknown user is measured against: the right form, and a digest that no password is known for.
PasswordHash decoy_hash(std::string_view plugin) {
  if (plugin == kNativePassword) return {kNativePassword, "*" + std::string(40, '0')};
  return {kCachingSha2Password, "$A$005$" + std::string(20 + 43, '.')};
}

// Clients say "no password" by no bytes (native) or a single NUL (caching_sha2).
bool is_no_password(Bytes response) {
  return response.empty() || (response.size() == 1 && response[0] == std::byte{0});
}

}  // namespace

ServerHandshake::ServerHandshake(ServerGreeting greeting, std::string peer_host)
    : greeting_(std::move(greeting)), peer_host_(std::move(peer_host)) {}

HandshakeStep ServerHandshake::start() {
  BINRELAY_CHECK(phase_ == Phase::created, "a handshake starts once");
  phase_ = Phase::login_request;
  return send(build_greeting(greeting_), HandshakeWait{});
}

HandshakeStep ServerHandshake::on_change_user(Bytes request, std::uint32_t capabilities) {
  BINRELAY_CHECK(phase_ == Phase::created, "a handshake starts once");
  Result<LoginRequest> login = decode_change_user(request, capabilities);
  if (!login.ok()) return reject(bad_change_of_user(), "bad change of user: " + login.error().context);
  login_ = std::move(login).value();
  phase_ = Phase::user;
  return HandshakeLookUpUser{login_.user};
}

HandshakeStep ServerHandshake::next_step() { return std::exchange(pending_, HandshakeWait{}); }

HandshakeStep ServerHandshake::on_packet(Bytes payload) {
  switch (phase_) {
    case Phase::login_request:
      return on_login_request(payload);
    case Phase::switched:
      return check_response(payload);
    case Phase::full_password:
      return on_full_password(payload);
    case Phase::encrypted_password:
      return decrypt(payload);
    default:
      break;
  }
  BINRELAY_CHECK(false, "a packet was not waited for");
}

HandshakeStep ServerHandshake::on_tls_ready() {
  BINRELAY_CHECK(phase_ == Phase::tls, "TLS was not asked for");
  tls_ = true;
  phase_ = Phase::login_request;
  return HandshakeWait{};
}

HandshakeStep ServerHandshake::on_login_request(Bytes payload) {
  if (greeting_.offer_tls && !tls_ && is_tls_request(payload)) {
    phase_ = Phase::tls;
    return HandshakeStartTls{};
  }
  Result<LoginRequest> login = decode_login_request(payload, offered_capabilities(greeting_.offer_tls));
  if (!login.ok()) return reject(bad_handshake(), "bad handshake: " + login.error().context);
  login_ = std::move(login).value();
  if ((login_.capabilities & capability::kSsl) != 0 && !tls_) {
    return reject(bad_handshake(), "bad handshake: the client announced TLS and went on without it");
  }
  phase_ = Phase::user;
  return HandshakeLookUpUser{login_.user};
}

HandshakeStep ServerHandshake::on_user(std::optional<AccountCredentials> found) {
  BINRELAY_CHECK(phase_ == Phase::user, "no user was asked for");
  user_known_ = found.has_value();
  account_ = found ? std::move(*found) : AccountCredentials{decoy_hash(greeting_.default_plugin), std::nullopt};

  const std::string_view plugin = account_plugin();
  if ((login_.capabilities & capability::kPluginAuth) == 0) {
    // Such a client knows one method only: the native answer to the greeting's scramble.
    if (plugin == kNativePassword) return check_response(login_.response);
    password_sent_ = !is_no_password(login_.response);
    return reject(old_authentication(greeting_.flavour),
                  user_known_ ? "the account has a caching_sha2_password hash, the client knows "
                                "mysql_native_password only: give the account a native hash"
                              : "unknown user");
  }
  if (login_.plugin == plugin) return check_response(login_.response);
  phase_ = Phase::switched;
  return send(build_auth_switch(plugin, greeting_.scramble), HandshakeWait{});
}

std::string_view ServerHandshake::account_plugin() const {
  if (!account_.hash.text.empty()) return account_.hash.plugin;
  // No password is none with every plugin: spare the client the switch.
  if ((login_.capabilities & capability::kPluginAuth) == 0) return kNativePassword;
  if (login_.plugin == kNativePassword) return kNativePassword;
  return is_known_plugin(login_.plugin) ? kCachingSha2Password : greeting_.default_plugin;
}

HandshakeStep ServerHandshake::check_response(Bytes response) {
  password_sent_ = !is_no_password(response);
  if (!password_sent_) {
    return user_known_ && account_.hash.text.empty() ? accept(std::nullopt) : deny("no password given");
  }
  if (account_.hash.text.empty()) return deny("a password was given, the account has none");
  if (account_plugin() == kCachingSha2Password) return check_sha2_response(response);
  const bool matches = native_response_matches(account_.hash, greeting_.scramble, response);
  return matches && user_known_ ? accept(std::nullopt) : deny("wrong password");
}

HandshakeStep ServerHandshake::check_sha2_response(Bytes response) {
  if (response.size() != Sha256Digest{}.size()) return deny("wrong password");
  if (user_known_ && account_.remembered &&
      sha2_fast_response_matches(*account_.remembered, greeting_.scramble, response)) {
    return send({kMoreData, kFastAuthOk}, accept(std::nullopt));
  }
  phase_ = Phase::full_password;
  return send({kMoreData, kFullAuthNeeded}, HandshakeWait{});
}

HandshakeStep ServerHandshake::on_full_password(Bytes payload) {
  // One byte 0x02 is no password: a clear one ends with a NUL, an encrypted one is as long as the key.
  // Canal asks over TLS as well.
  if (payload.size() == 1 && payload[0] == kPublicKeyRequest) {
    if (greeting_.public_key_pem.empty()) return deny("the client asked for a public key and there is none");
    ByteBuffer key{kMoreData};
    const Bytes pem = as_bytes(greeting_.public_key_pem);
    key.insert(key.end(), pem.begin(), pem.end());
    phase_ = Phase::encrypted_password;
    return send(std::move(key), HandshakeWait{});
  }
  if (!secure()) return decrypt(payload);  // the client has the key from before
  if (payload.empty() || payload.back() != std::byte{0}) return deny("the clear-text password does not end with a NUL");
  return check_password(std::string(as_text(payload.first(payload.size() - 1))));
}

HandshakeStep ServerHandshake::decrypt(Bytes cipher) {
  if (greeting_.public_key_pem.empty()) return deny("a full login needs TLS or a public key");
  phase_ = Phase::decrypting;
  return HandshakeDecrypt{ByteBuffer(cipher.begin(), cipher.end())};
}

HandshakeStep ServerHandshake::on_decrypted(std::optional<ByteBuffer> clear) {
  BINRELAY_CHECK(phase_ == Phase::decrypting, "nothing was to be decrypted");
  if (!clear) return deny("the encrypted password cannot be decrypted");
  std::optional<std::string> password = unmask_password(*clear, greeting_.scramble);
  if (!password) return deny("the decrypted password does not end with a NUL");
  return check_password(std::move(*password));
}

HandshakeStep ServerHandshake::check_password(std::string password) {
  phase_ = Phase::checking;
  full_login_ = sha2_fast_digest(password);
  return HandshakeCheckPassword{account_.hash, std::move(password)};
}

HandshakeStep ServerHandshake::on_password_checked(bool matches) {
  BINRELAY_CHECK(phase_ == Phase::checking, "no password was to be checked");
  return matches && user_known_ ? accept(full_login_) : deny("wrong password");
}

HandshakeStep ServerHandshake::send(ByteBuffer payload, HandshakeStep then) {
  pending_ = std::move(then);
  return HandshakeSend{std::move(payload)};
}

HandshakeStep ServerHandshake::accept(std::optional<Sha256Digest> remember) {
  phase_ = Phase::ended;
  std::string proof;
  if (tls_ && greeting_.certificate && !account_.hash.text.empty() && account_plugin() == kNativePassword) {
    proof = certificate_proof(account_.hash, greeting_.scramble, *greeting_.certificate);
  }
  return HandshakeAccepted{
      std::move(login_.user), std::move(login_.database), login_.capabilities, std::move(login_.attributes), remember,
      std::move(proof)};
}

HandshakeStep ServerHandshake::deny(std::string reason) {
  return reject(login_denied(login_.user, peer_host_, password_sent_),
                user_known_ ? std::move(reason) : "unknown user");
}

HandshakeStep ServerHandshake::reject(SqlError error, std::string reason) {
  phase_ = Phase::ended;
  return HandshakeRejected{std::move(error), std::move(login_.user), std::move(reason)};
}

}  // namespace binrelay
