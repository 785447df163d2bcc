#pragma once
// ServerHandshake: the login conversation of a MySQL server as a machine. Knows no socket: bytes in, steps out.
// Order: start() → Send greeting; then every payload the client sends goes to on_packet(). StartTls → perform it, then on_tls_ready().
// LookUpUser → find the account, then on_user(). Decrypt → RSA-decrypt with the server's key, then on_decrypted().
// CheckPassword → compare off the io thread if wanted (password_matches), then on_password_checked(). Accepted / Rejected end it.
// A Send step's payload is one packet; `then_wait` says whether the client is to speak next (else call next_step()).
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <variant>

#include "protocol/auth/passwords.h"
#include "protocol/bytes.h"
#include "protocol/packet/replies.h"
#include "protocol/result.h"

namespace binrelay {

struct ServerGreeting {
  std::string version;         // the source's
  std::uint32_t connection_id = 0;
  Scramble scramble{};
  bool offer_tls = true;
  std::string_view default_plugin = kCachingSha2Password;  // kNativePassword for MariaDB flavour
  std::uint8_t collation = 45;
  bool secure_channel = false;  // a unix socket, or TLS from the first byte
  std::string public_key_pem;   // RSA; "" = RSA refused
};

// What the user directory knows of an account.
struct AccountCredentials {
  PasswordHash hash;
  std::optional<Sha256Digest> remembered;  // of a full login since start
};

struct HandshakeSend { ByteBuffer payload; };
struct HandshakeWait {};                       // for the client's next packet
struct HandshakeStartTls {};                   // then on_tls_ready()
struct HandshakeLookUpUser { std::string user; };
struct HandshakeDecrypt { ByteBuffer cipher; };
struct HandshakeCheckPassword { PasswordHash hash; std::string password; };
struct HandshakeAccepted {
  std::string user;
  std::string database;
  std::uint32_t capabilities = 0;
  std::map<std::string, std::string> attributes;  // connect attributes, bounded
  std::optional<Sha256Digest> remember;           // of a full login just made
};
struct HandshakeRejected {
  SqlError error;         // to send, unless code 0 (a client that hung up or spoke nonsense)
  std::string user;
  std::string reason;     // for the log; never holds a password
};
using HandshakeStep = std::variant<HandshakeSend, HandshakeWait, HandshakeStartTls, HandshakeLookUpUser, HandshakeDecrypt,
                                   HandshakeCheckPassword, HandshakeAccepted, HandshakeRejected>;

class ServerHandshake {
 public:
  // `peer_host` only for error 1045's text.
  ServerHandshake(ServerGreeting greeting, std::string peer_host);

  HandshakeStep start();
  HandshakeStep next_step();  // after a HandshakeSend has been written
  HandshakeStep on_packet(Bytes payload);
  HandshakeStep on_tls_ready();
  HandshakeStep on_user(std::optional<AccountCredentials> found);  // nullopt: unknown user, goes on to a rejection that costs the same
  HandshakeStep on_decrypted(std::optional<ByteBuffer> clear);
  HandshakeStep on_password_checked(bool matches);

 private:
  struct State;
  ServerGreeting greeting_;
  std::string peer_host_;
  // The helper that implements this chooses its members.
  std::string user_, database_, client_plugin_;
  std::map<std::string, std::string> attributes_;
  std::uint32_t capabilities_ = 0;
  std::optional<AccountCredentials> account_;
  ByteBuffer response_;
  HandshakeStep pending_ = HandshakeWait{};
  int phase_ = 0;
  bool tls_ = false;
};

}  // namespace binrelay
