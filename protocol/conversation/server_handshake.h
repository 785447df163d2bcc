#pragma once
// The login conversation of a MySQL server as a machine. Knows no socket: bytes in, steps out.
//   start()             first of all; Send the greeting. On a connection that is logged in: on_change_user().
//   Send                one packet; then next_step(): Wait or whatever follows.
//   Wait                for the client's next packet, which goes to on_packet().
//   StartTls            perform it, with the bytes that came along with the request, then on_tls_ready().
//   LookUpUser          find the account, then on_user().
//   Decrypt             RSA-OAEP with the server's key, then on_decrypted().
//   CheckPassword       password_matches(), off the io thread if wanted, then on_password_checked().
//   Accepted, Rejected  the end: the driver sends build_ok() with the certificate's proof, or the error.
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/auth/passwords.h"
#include "protocol/bytes.h"
#include "protocol/conversation/login_request.h"
#include "protocol/ids.h"
#include "protocol/packet/replies.h"
#include "protocol/result.h"

namespace binrelay {

struct ServerGreeting {
  std::string version;  // the source's
  Flavour flavour = Flavour::mysql;
  std::uint32_t connection_id = 0;
  Scramble scramble{};
  bool offer_tls = true;
  std::string_view default_plugin = kCachingSha2Password;  // kNativePassword for MariaDB flavour
  std::uint8_t collation = 45;
  bool secure_channel = false;  // a unix socket, or TLS from the first byte
  std::string public_key_pem;   // RSA; "" = RSA refused
  // SHA-256 of the TLS certificate's DER. With it MariaDB >= 11.4 clients on other machines trust a self-signed one.
  std::optional<Sha256Digest> certificate;
};

// What the user directory knows of an account.
struct AccountCredentials {
  PasswordHash hash;
  std::optional<Sha256Digest> remembered;  // of a full login since start
};

struct HandshakeSend {
  ByteBuffer payload;
};
struct HandshakeWait {};      // for the client's next packet
struct HandshakeStartTls {};  // then on_tls_ready()
struct HandshakeLookUpUser {
  std::string user;
};
struct HandshakeDecrypt {
  ByteBuffer cipher;
};
struct HandshakeCheckPassword {
  PasswordHash hash;
  std::string password;
};
struct HandshakeAccepted {
  std::string user;
  std::string database;
  std::uint32_t capabilities = 0;
  std::map<std::string, std::string> attributes;  // connect attributes, bounded
  std::optional<Sha256Digest> remember;           // of a full login just made
  std::string certificate_proof;                  // the OK packet's text; see passwords.h
};
struct HandshakeRejected {
  SqlError error;  // to send, unless code 0 (a client that hung up or spoke nonsense)
  std::string user;
  std::string reason;  // for the log; never holds a password
};
using HandshakeStep = std::variant<HandshakeSend, HandshakeWait, HandshakeStartTls, HandshakeLookUpUser,
                                   HandshakeDecrypt, HandshakeCheckPassword, HandshakeAccepted, HandshakeRejected>;

// ServerHandshake: see the top of the file for the order of calls; a call out of order is a programmer error.
// Thread:    the session's.
// Owner:     the coroutine that performs its steps.
// Invariant: nothing but Accepted lets a client in, and Accepted follows a response, a clear-text password or an empty
//            password that was checked against the account's hash in this conversation.
class ServerHandshake {
 public:
  // `peer_host` only for error 1045's text.
  ServerHandshake(ServerGreeting greeting, std::string peer_host);

  HandshakeStep start();
  // COM_CHANGE_USER behind its first byte; the greeting is the one this connection began with.
  HandshakeStep on_change_user(Bytes request, std::uint32_t capabilities);
  HandshakeStep next_step();  // after a HandshakeSend has been written
  HandshakeStep on_packet(Bytes payload);
  HandshakeStep on_tls_ready();
  // nullopt: an unknown user, who goes on to a rejection that costs the same.
  HandshakeStep on_user(std::optional<AccountCredentials> found);
  HandshakeStep on_decrypted(std::optional<ByteBuffer> clear);
  HandshakeStep on_password_checked(bool matches);

 private:
  enum class Phase : std::uint8_t {
    created,
    login_request,       // waits for the client's first packet, in clear or over TLS
    tls,                 // the driver starts TLS
    user,                // the driver looks up the account
    switched,            // waits for the response to an AuthSwitchRequest
    full_password,       // waits for a clear-text password, an encrypted one or a request for the public key
    encrypted_password,  // the key was sent: waits for the encrypted password
    decrypting,          // the driver decrypts
    checking,            // the driver compares
    ended,
  };

  HandshakeStep send(ByteBuffer payload, HandshakeStep then);
  HandshakeStep on_login_request(Bytes payload);
  HandshakeStep check_response(Bytes response);
  HandshakeStep check_sha2_response(Bytes response);
  HandshakeStep on_full_password(Bytes payload);
  HandshakeStep decrypt(Bytes cipher);
  HandshakeStep check_password(std::string password);
  HandshakeStep accept(std::optional<Sha256Digest> remember);
  HandshakeStep deny(std::string reason);
  HandshakeStep reject(SqlError error, std::string reason);
  std::string_view account_plugin() const;
  bool secure() const { return tls_ || greeting_.secure_channel; }

  ServerGreeting greeting_;
  std::string peer_host_;
  Phase phase_ = Phase::created;
  HandshakeStep pending_ = HandshakeWait{};  // what follows the packet being sent
  bool tls_ = false;
  LoginRequest login_;
  AccountCredentials account_;  // a decoy no password fits for an unknown user
  bool user_known_ = false;
  bool password_sent_ = false;
  Sha256Digest full_login_{};  // of the password being checked
};

}  // namespace binrelay
