// What a client sends: packets of any cut, commands, and whole logins. The first byte says how the server is set up and
// how the bytes arrive; the rest are the client's bytes.
#include <algorithm>
#include <optional>
#include <utility>

#include "protocol/check.h"
#include "protocol/conversation/server_handshake.h"
#include "protocol/packet/commands.h"
#include "protocol/packet/packet_framer.h"

using namespace binrelay;

namespace {

constexpr std::size_t kMaxPayload = 1u << 20;

enum SetUp : std::uint8_t {
  kOfferTls = 1 << 0,
  kSecureChannel = 1 << 1,
  kNativeFirst = 1 << 2,
  kKnownUser = 1 << 3,
  kNativeAccount = 1 << 4,
  kRemembered = 1 << 5,
  kNoPassword = 1 << 6,
  kOneByteAtATime = 1 << 7,
};

class Client {
 public:
  Client(std::uint8_t set_up, Bytes bytes) : set_up_(set_up), bytes_(bytes) {}

  std::optional<Bytes> next_payload() {
    while (true) {
      auto payload = reader_.next();
      if (!payload.ok()) return std::nullopt;
      if (*payload) return **payload;
      if (bytes_.empty()) return std::nullopt;
      const std::size_t arrives = (set_up_ & kOneByteAtATime) != 0 ? 1 : bytes_.size();
      reader_.feed(bytes_.first(arrives));
      bytes_ = bytes_.subspan(arrives);
    }
  }

 private:
  std::uint8_t set_up_;
  Bytes bytes_;
  PacketReader reader_{kMaxPayload};
};

// Nobody knows this account's password, so no bytes may log in; only an account without one lets everybody in.
std::optional<AccountCredentials> account(std::uint8_t set_up) {
  static const std::string sha2_hash =
      caching_sha2_password_hash("correct horse battery staple", "abcdefghijklmnopqrst");
  static const std::string native_hash = native_password_hash("correct horse battery staple");
  if ((set_up & kKnownUser) == 0) return std::nullopt;
  AccountCredentials account;
  const bool native = (set_up & kNativeAccount) != 0;
  account.hash = {native ? kNativePassword : kCachingSha2Password, native ? native_hash : sha2_hash};
  if ((set_up & kNoPassword) != 0) account.hash.text.clear();
  if ((set_up & kRemembered) != 0) account.remembered = sha2_fast_digest("correct horse battery staple");
  return account;
}

HandshakeStep performed(ServerHandshake& handshake, HandshakeStep step, std::uint8_t set_up) {
  if (std::holds_alternative<HandshakeSend>(step)) return handshake.next_step();
  if (std::holds_alternative<HandshakeStartTls>(step)) {
    BINRELAY_CHECK((set_up & kOfferTls) != 0, "TLS only where it was offered");
    return handshake.on_tls_ready();
  }
  if (std::holds_alternative<HandshakeLookUpUser>(step)) return handshake.on_user(account(set_up));
  if (auto* decrypt = std::get_if<HandshakeDecrypt>(&step)) return handshake.on_decrypted(std::move(decrypt->cipher));
  return handshake.on_password_checked(false);  // what it is: checking costs 5000 rounds
}

void log_in(Client client, std::uint8_t set_up) {
  ServerGreeting greeting;
  greeting.version = "9.7.4";
  greeting.scramble.fill(std::byte{'s'});
  greeting.offer_tls = (set_up & kOfferTls) != 0;
  greeting.secure_channel = (set_up & kSecureChannel) != 0;
  greeting.default_plugin = (set_up & kNativeFirst) != 0 ? kNativePassword : kCachingSha2Password;
  greeting.public_key_pem = "a key";
  ServerHandshake handshake(greeting, "127.0.0.1");
  HandshakeStep step = handshake.start();
  while (!std::holds_alternative<HandshakeRejected>(step)) {
    if (std::holds_alternative<HandshakeAccepted>(step)) {
      BINRELAY_CHECK((set_up & kKnownUser) != 0 && (set_up & kNoPassword) != 0, "nobody knows the password");
      return;
    }
    if (std::holds_alternative<HandshakeWait>(step)) {
      const auto payload = client.next_payload();
      if (!payload) return;
      step = handshake.on_packet(*payload);
    } else {
      step = performed(handshake, std::move(step), set_up);
    }
  }
}

void check_framing(Bytes bytes) {
  ByteBuffer packet;
  SendBuffer event;
  std::uint8_t sequence = 0;
  append_packet(packet, bytes, &sequence);
  EventFramer framer(0);
  framer.begin(event, bytes.size());
  for (std::size_t at = 0; at < bytes.size(); at += 7)
    framer.piece(event, bytes.subspan(at, std::min<std::size_t>(7, bytes.size() - at)));
  BINRELAY_CHECK(!framer.in_event() && event.size() == packet.size() + 1, "an event has its status byte in front");

  PacketReader reader(kMaxPayload);
  reader.feed(packet);
  const auto read_back = reader.next();
  BINRELAY_CHECK(read_back.ok() && *read_back && std::ranges::equal(**read_back, bytes),
                 "a packet reads as it was written");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  if (size == 0 || size > kMaxPayload) return 0;
  const Bytes bytes = std::as_bytes(std::span(data + 1, size - 1));
  log_in(Client(data[0], bytes), data[0]);
  Client client(data[0], bytes);
  while (const auto payload = client.next_payload()) (void)decode_command(*payload);
  (void)decode_command(bytes);
  check_framing(bytes);
  return 0;
}
