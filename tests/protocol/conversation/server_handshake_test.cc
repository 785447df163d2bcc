#include "protocol/conversation/server_handshake.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include <algorithm>
#include <map>
#include <string>
#include <vector>

#include "protocol/packet/capabilities.h"
#include "protocol/wire/byte_reader.h"
#include "protocol/wire/byte_writer.h"
#include "tests/protocol/auth/client_responses.h"

namespace binrelay {
namespace {

using namespace std::string_view_literals;
using namespace std::string_literals;
using ::testing::HasSubstr;
using ::testing::StartsWith;

constexpr std::uint32_t kModernClient = capability::kLongPassword | capability::kProtocol41 |
                                        capability::kSecureConnection | capability::kPluginAuth |
                                        capability::kPluginAuthLenencData;
constexpr std::uint32_t kMysqljs = capability::kLongPassword | capability::kProtocol41 | capability::kSecureConnection;
constexpr std::string_view kPem = "-----BEGIN PUBLIC KEY-----\n";

ServerGreeting greeting(std::string_view default_plugin = kCachingSha2Password) {
  ServerGreeting greeting;
  greeting.version = "9.7.4";
  greeting.connection_id = 17;
  greeting.scramble = scramble_for_tests();
  greeting.default_plugin = default_plugin;
  greeting.public_key_pem = kPem;
  return greeting;
}

struct LoginFields {
  std::uint32_t capabilities = kModernClient;
  std::string user = "repl";
  std::string plugin = std::string(kCachingSha2Password);
  ByteBuffer response;
  std::string database;
  std::map<std::string, std::string> attributes;
};

ByteBuffer tls_request() {
  ByteWriter out;
  out.u32(kModernClient | capability::kSsl).u32(1u << 24).u8(45).zeros(23);
  return std::move(out).take();
}

ByteBuffer login(LoginFields fields) {
  if (!fields.database.empty()) fields.capabilities |= capability::kConnectWithDb;
  if (!fields.attributes.empty()) fields.capabilities |= capability::kConnectAttributes;
  ByteWriter out;
  out.u32(fields.capabilities).u32(1u << 24).u8(45).zeros(23).nul_terminated_text(fields.user);
  if ((fields.capabilities & capability::kSecureConnection) != 0) {
    out.u8(static_cast<std::uint8_t>(fields.response.size())).bytes(fields.response);
  } else {
    out.nul_terminated_text(as_text(fields.response));
  }
  if (!fields.database.empty()) out.nul_terminated_text(fields.database);
  if ((fields.capabilities & capability::kPluginAuth) != 0) out.nul_terminated_text(fields.plugin);
  if (!fields.attributes.empty()) {
    ByteWriter pairs;
    for (const auto& [name, value] : fields.attributes) pairs.length_encoded_text(name).length_encoded_text(value);
    out.length_encoded_text(as_text(pairs.view()));
  }
  return std::move(out).take();
}

LoginFields native_login(std::string_view password, std::uint32_t capabilities = kModernClient) {
  return {capabilities, "repl", std::string(kNativePassword), native_client_response(password, scramble_for_tests()),
          "",           {}};
}
LoginFields sha2_login(std::string_view password, std::uint32_t capabilities = kModernClient) {
  return {capabilities, "repl", std::string(kCachingSha2Password), sha2_client_response(password, scramble_for_tests()),
          "",           {}};
}

ByteBuffer packet(std::string_view text) {
  const Bytes bytes = as_bytes(text);
  return {bytes.begin(), bytes.end()};
}
// Stands for RSA: the bytes in reverse.
ByteBuffer reversed(Bytes bytes) { return {bytes.rbegin(), bytes.rend()}; }
ByteBuffer encrypted_password(std::string_view password) {
  return reversed(as_bytes(masked_password(password, scramble_for_tests())));
}

AccountCredentials native_account(std::string_view password) {
  return {{kNativePassword, native_password_hash(password)}, std::nullopt};
}
AccountCredentials sha2_account(std::string_view password) {
  static std::map<std::string, std::string, std::less<>> made;  // 5000 rounds each
  auto found = made.find(password);
  if (found == made.end()) {
    found = made.emplace(password, caching_sha2_password_hash(password, "abcdefghijklmnopqrst")).first;
  }
  return {{kCachingSha2Password, found->second}, std::nullopt};
}
AccountCredentials remembered_account(std::string_view password) {
  AccountCredentials account = sha2_account(password);
  account.remembered = sha2_fast_digest(password);
  return account;
}

// Performs a handshake's steps as a relay would, with a client that sends what it is told.
class Conversation {
 public:
  Conversation(ServerGreeting greeting, std::optional<AccountCredentials> repl)
      : handshake_(std::move(greeting), "127.0.0.1"), repl_(std::move(repl)) {
    perform(handshake_.start());
  }

  Conversation& client_sends(Bytes payload) {
    if (!ended()) perform(handshake_.on_packet(payload));
    return *this;
  }
  bool ended() const { return accepted || rejected; }
  std::string last_sent() const { return std::string(as_text(sent.back())); }

  std::vector<ByteBuffer> sent;
  bool tls = false;
  int password_checks = 0;
  std::optional<HandshakeAccepted> accepted;
  std::optional<HandshakeRejected> rejected;

 private:
  void perform(HandshakeStep step) {
    while (!std::holds_alternative<HandshakeWait>(step)) {
      if (auto* end = std::get_if<HandshakeAccepted>(&step)) {
        accepted = std::move(*end);
        return;
      }
      if (auto* end = std::get_if<HandshakeRejected>(&step)) {
        rejected = std::move(*end);
        return;
      }
      step = performed(std::move(step));
    }
  }

  HandshakeStep performed(HandshakeStep step) {
    if (auto* send = std::get_if<HandshakeSend>(&step)) {
      sent.push_back(std::move(send->payload));
      return handshake_.next_step();
    }
    if (std::holds_alternative<HandshakeStartTls>(step)) {
      tls = true;
      return handshake_.on_tls_ready();
    }
    if (auto* look_up = std::get_if<HandshakeLookUpUser>(&step)) {
      return handshake_.on_user(look_up->user == "repl" ? repl_ : std::nullopt);
    }
    if (auto* decrypt = std::get_if<HandshakeDecrypt>(&step)) {
      if (decrypt->cipher.empty()) return handshake_.on_decrypted(std::nullopt);
      return handshake_.on_decrypted(reversed(decrypt->cipher));
    }
    auto& check = std::get<HandshakeCheckPassword>(step);
    ++password_checks;
    return handshake_.on_password_checked(password_matches(check.hash, check.password));
  }

  ServerHandshake handshake_;
  std::optional<AccountCredentials> repl_;
};

TEST(Greeting, IsProtocolTen) {
  const Conversation conversation(greeting(), std::nullopt);
  ByteReader in(conversation.sent.at(0));
  EXPECT_EQ(in.u8(), 10);
  EXPECT_EQ(in.nul_terminated_text(), "9.7.4");
  EXPECT_EQ(in.u32(), 17u);
  const std::string first_part(in.nul_terminated_text());
  const std::uint32_t low = in.u16();
  EXPECT_EQ(in.u8(), 45);
  EXPECT_EQ(in.u16(), kStatusAutocommit);
  const std::uint32_t offered = low | static_cast<std::uint32_t>(in.u16()) << 16;
  EXPECT_EQ(in.u8(), 21);
  EXPECT_EQ(as_text(in.take(10)), std::string(10, '\0'));
  EXPECT_EQ(first_part + std::string(in.nul_terminated_text()), as_text(scramble_for_tests()));
  EXPECT_EQ(in.nul_terminated_text(), kCachingSha2Password);
  EXPECT_TRUE(in.at_end() && !in.failed());

  EXPECT_EQ(offered, offered_capabilities(true));
  // MariaDB's clients read extended capabilities from the filler of servers that lack this bit.
  EXPECT_NE(offered & capability::kLongPassword, 0u);
  EXPECT_NE(offered & capability::kSsl, 0u);
  EXPECT_NE(offered & capability::kMultiStatements, 0u);
  EXPECT_EQ(offered & 0xff400000u & ~(1u << 21), 0u);  // no DEPRECATE_EOF, QUERY_ATTRIBUTES, SESSION_TRACK
  EXPECT_EQ(offered_capabilities(false) & capability::kSsl, 0u);
}

TEST(NativeLogin, IsAcceptedAtOnce) {
  LoginFields fields = native_login("secret");
  fields.database = "information_schema";
  fields.attributes = {{"program_name", "mysqlbinlog"}, {"_client_role", "binary_log_listener"}};
  Conversation conversation(greeting(kNativePassword), native_account("secret"));
  conversation.client_sends(login(fields));
  ASSERT_TRUE(conversation.accepted);
  EXPECT_EQ(conversation.accepted->user, "repl");
  EXPECT_EQ(conversation.accepted->database, "information_schema");
  EXPECT_EQ(conversation.accepted->attributes.at("program_name"), "mysqlbinlog");
  EXPECT_EQ(conversation.accepted->remember, std::nullopt);
  EXPECT_EQ(conversation.sent.size(), 1u);
}

TEST(NativeLogin, WorksWithoutPluginNames) {
  Conversation conversation(greeting(), native_account("secret"));
  conversation.client_sends(login(native_login("secret", kMysqljs)));
  ASSERT_TRUE(conversation.accepted);
  EXPECT_EQ(conversation.accepted->capabilities & capability::kPluginAuth, 0u);
}

TEST(NativeLogin, IsReachedByASwitch) {
  Conversation conversation(greeting(), native_account("secret"));
  conversation.client_sends(login(sha2_login("secret")));
  EXPECT_EQ(conversation.last_sent(),
            "\xfemysql_native_password\0"s + std::string(as_text(scramble_for_tests())) + '\0');
  conversation.client_sends(native_client_response("secret", scramble_for_tests()));
  EXPECT_TRUE(conversation.accepted);
}

TEST(NativeLogin, VouchesForTheCertificateOverTls) {
  ServerGreeting vouching = greeting(kNativePassword);
  vouching.certificate = sha2_fast_digest("certificate");
  Conversation conversation(vouching, native_account("secret"));
  conversation.client_sends(tls_request())
      .client_sends(login(native_login("secret", kModernClient | capability::kSsl)));
  ASSERT_TRUE(conversation.accepted);
  EXPECT_EQ(conversation.accepted->certificate_proof,
            certificate_proof(native_account("secret").hash, scramble_for_tests(), *vouching.certificate));

  // Not without TLS, not without a password, not with a plugin whose hash the client does not know.
  Conversation plain(vouching, native_account("secret"));
  plain.client_sends(login(native_login("secret")));
  Conversation passwordless(vouching, native_account(""));
  passwordless.client_sends(tls_request()).client_sends(login(native_login("")));
  Conversation sha2(vouching, remembered_account("secret"));
  sha2.client_sends(tls_request()).client_sends(login(sha2_login("secret")));
  for (const Conversation* other : {&plain, &passwordless, &sha2}) {
    ASSERT_TRUE(other->accepted);
    EXPECT_EQ(other->accepted->certificate_proof, "");
  }
}

TEST(NativeLogin, RejectsAWrongPassword) {
  Conversation conversation(greeting(), native_account("secret"));
  conversation.client_sends(login(native_login("guess")));
  ASSERT_TRUE(conversation.rejected);
  EXPECT_EQ(conversation.rejected->error.code, 1045);
  EXPECT_EQ(conversation.rejected->error.sqlstate, "28000");
  EXPECT_EQ(conversation.rejected->error.text, "Access denied for user 'repl'@'127.0.0.1' (using password: YES)");
  EXPECT_EQ(conversation.rejected->user, "repl");
  EXPECT_EQ(conversation.rejected->reason, "wrong password");
}

TEST(NativeLogin, SaysWhenNoPasswordWasGiven) {
  Conversation conversation(greeting(), native_account("secret"));
  conversation.client_sends(login(native_login("")));
  ASSERT_TRUE(conversation.rejected);
  EXPECT_THAT(conversation.rejected->error.text, HasSubstr("(using password: NO)"));
}

TEST(Sha2Login, IsFastOnceRemembered) {
  Conversation conversation(greeting(), remembered_account("secret"));
  conversation.client_sends(login(sha2_login("secret")));
  EXPECT_EQ(conversation.last_sent(), "\x01\x03");
  ASSERT_TRUE(conversation.accepted);
  EXPECT_EQ(conversation.accepted->remember, std::nullopt);
  EXPECT_EQ(conversation.password_checks, 0);
}

TEST(Sha2Login, TakesTheClearPasswordOverTls) {
  Conversation conversation(greeting(), sha2_account("secret"));
  conversation.client_sends(tls_request());
  EXPECT_TRUE(conversation.tls);
  conversation.client_sends(login(sha2_login("secret", kModernClient | capability::kSsl)));
  EXPECT_EQ(conversation.last_sent(), "\x01\x04");
  conversation.client_sends(packet("secret\0"sv));
  ASSERT_TRUE(conversation.accepted);
  EXPECT_EQ(conversation.accepted->remember, sha2_fast_digest("secret"));
}

TEST(Sha2Login, TakesTheClearPasswordOnASecureChannel) {
  ServerGreeting secure = greeting();
  secure.secure_channel = true;
  Conversation conversation(secure, sha2_account("secret"));
  conversation.client_sends(login(sha2_login("secret"))).client_sends(packet("secret\0"sv));
  EXPECT_TRUE(conversation.accepted);
}

TEST(Sha2Login, HandsOutItsPublicKey) {
  Conversation conversation(greeting(), sha2_account("secret"));
  conversation.client_sends(login(sha2_login("secret"))).client_sends(packet("\x02"));
  EXPECT_EQ(conversation.last_sent(), "\x01" + std::string(kPem));
  conversation.client_sends(encrypted_password("secret"));
  ASSERT_TRUE(conversation.accepted);
  EXPECT_EQ(conversation.accepted->remember, sha2_fast_digest("secret"));
}

TEST(Sha2Login, HandsOutItsPublicKeyOverTlsToo) {  // Canal
  Conversation conversation(greeting(), sha2_account("secret"));
  conversation.client_sends(tls_request()).client_sends(login(sha2_login("secret"))).client_sends(packet("\x02"));
  conversation.client_sends(encrypted_password("secret"));
  EXPECT_TRUE(conversation.accepted);
}

TEST(Sha2Login, TakesAnEncryptedPasswordFromAClientThatHasTheKey) {
  Conversation conversation(greeting(), sha2_account("secret"));
  conversation.client_sends(login(sha2_login("secret"))).client_sends(encrypted_password("secret"));
  EXPECT_TRUE(conversation.accepted);
}

TEST(Sha2Login, NeverTakesAClearPasswordInTheOpen) {
  Conversation conversation(greeting(), sha2_account("secret"));
  conversation.client_sends(login(sha2_login("secret"))).client_sends(packet("secret\0"sv));
  EXPECT_TRUE(conversation.rejected);
}

TEST(Sha2Login, FallsBackToAFullLoginWhenThePasswordChanged) {
  AccountCredentials account = sha2_account("new");
  account.remembered = sha2_fast_digest("old");
  Conversation conversation(greeting(), account);
  conversation.client_sends(login(sha2_login("new"))).client_sends(packet("\x02"));
  conversation.client_sends(encrypted_password("new"));
  ASSERT_TRUE(conversation.accepted);
  EXPECT_EQ(conversation.accepted->remember, sha2_fast_digest("new"));
}

TEST(Sha2Login, RejectsAWrongPassword) {
  Conversation conversation(greeting(), sha2_account("secret"));
  conversation.client_sends(login(sha2_login("guess"))).client_sends(encrypted_password("guess"));
  ASSERT_TRUE(conversation.rejected);
  EXPECT_EQ(conversation.rejected->error.code, 1045);
}

TEST(Sha2Login, RejectsAtOnceWhenNoPasswordWasGiven) {
  Conversation conversation(greeting(), sha2_account("secret"));
  conversation.client_sends(login(sha2_login("")));
  ASSERT_TRUE(conversation.rejected);
  EXPECT_THAT(conversation.rejected->error.text, HasSubstr("(using password: NO)"));
}

TEST(Sha2Login, IsReachedByASwitch) {
  Conversation conversation(greeting(kNativePassword), sha2_account("secret"));
  conversation.client_sends(login(native_login("secret")));
  EXPECT_THAT(conversation.last_sent(), StartsWith("\xfe"
                                                   "caching_sha2_password"));
  conversation.client_sends(sha2_client_response("secret", scramble_for_tests()))
      .client_sends(encrypted_password("secret"));
  EXPECT_TRUE(conversation.accepted);
}

TEST(Sha2Login, NeedsTlsOrAKey) {
  ServerGreeting keyless = greeting();
  keyless.public_key_pem.clear();
  for (const std::string_view message : {"\x02"sv, "secret\0"sv}) {
    Conversation conversation(keyless, sha2_account("secret"));
    conversation.client_sends(login(sha2_login("secret"))).client_sends(packet(message));
    ASSERT_TRUE(conversation.rejected);
    EXPECT_THAT(conversation.rejected->reason, HasSubstr("public key"));
  }
}

TEST(Sha2Login, TellsOldClientsWhy) {
  Conversation conversation(greeting(), sha2_account("secret"));
  conversation.client_sends(login(native_login("secret", kMysqljs)));
  ASSERT_TRUE(conversation.rejected);
  EXPECT_EQ(conversation.rejected->error.code, 1251);
  EXPECT_THAT(conversation.rejected->reason, HasSubstr("native hash"));
}

TEST(NoPassword, IsAcceptedWithAnyPlugin) {
  for (const LoginFields& fields : {native_login(""), sha2_login(""), native_login("", kMysqljs)}) {
    Conversation conversation(greeting(), native_account(""));
    conversation.client_sends(login(fields));
    EXPECT_TRUE(conversation.accepted);
  }
}

TEST(NoPassword, IsNotAnyPassword) {
  for (const LoginFields& fields : {native_login("guess"), sha2_login("guess"), native_login("guess", kMysqljs)}) {
    Conversation conversation(greeting(), native_account(""));
    conversation.client_sends(login(fields));
    EXPECT_TRUE(conversation.rejected);
  }
}

TEST(UnknownUser, SeesWhatAWrongPasswordSees) {
  Conversation known(greeting(), sha2_account("secret")), unknown(greeting(), std::nullopt);
  for (Conversation* conversation : {&known, &unknown}) {
    conversation->client_sends(login(sha2_login("guess"))).client_sends(packet("\x02"));
    conversation->client_sends(encrypted_password("guess"));
  }
  ASSERT_TRUE(known.rejected && unknown.rejected);
  EXPECT_EQ(known.sent, unknown.sent);
  EXPECT_EQ(known.password_checks, unknown.password_checks);
  EXPECT_EQ(known.rejected->error.text, unknown.rejected->error.text);
  EXPECT_EQ(unknown.rejected->reason, "unknown user");
}

TEST(UnknownUser, IsRejectedWhateverItSends) {
  for (const std::string_view password : {"guess", ""}) {
    for (const LoginFields& fields : {native_login(password), sha2_login(password), native_login(password, kMysqljs)}) {
      for (const std::string_view plugin : {kNativePassword, kCachingSha2Password}) {
        Conversation conversation(greeting(plugin), std::nullopt);
        conversation.client_sends(login(fields));
        conversation.client_sends(plugin == kNativePassword ? native_client_response(password, scramble_for_tests())
                                                            : sha2_client_response(password, scramble_for_tests()));
        conversation.client_sends(encrypted_password(password));
        EXPECT_TRUE(conversation.rejected);
      }
    }
  }
}

TEST(LoginRequest, MustSpeakTheProtocol) {
  const ByteBuffer old_client = login(native_login("secret", capability::kLongPassword));
  for (const ByteBuffer& nonsense : {ByteBuffer(), packet("GET / HTTP/1.1\r\n\r\n"), ByteBuffer(64), old_client}) {
    Conversation conversation(greeting(), native_account("secret"));
    conversation.client_sends(nonsense);
    ASSERT_TRUE(conversation.rejected);
    EXPECT_EQ(conversation.rejected->error.code, 1043);
    EXPECT_EQ(conversation.rejected->error.sqlstate, "");
  }
}

// Somebody between the two could strip TLS from the greeting; a client that goes on must not believe it has it.
TEST(LoginRequest, MustNotAnnounceTlsAndGoOnWithout) {
  Conversation conversation(greeting(), native_account("secret"));
  conversation.client_sends(login(native_login("secret", kModernClient | capability::kSsl)));
  EXPECT_TRUE(conversation.rejected);
}

TEST(LoginRequest, CannotAskForTlsThatWasNotOffered) {
  ServerGreeting plain = greeting();
  plain.offer_tls = false;
  Conversation conversation(plain, native_account("secret"));
  conversation.client_sends(tls_request());
  EXPECT_FALSE(conversation.tls);
  EXPECT_TRUE(conversation.rejected);
}

TEST(LoginRequest, CannotAskForTlsTwice) {
  Conversation conversation(greeting(), native_account("secret"));
  conversation.client_sends(tls_request()).client_sends(tls_request());
  EXPECT_TRUE(conversation.rejected);
}

TEST(LoginRequest, IgnoresCapabilitiesThatWereNotOffered) {
  Conversation conversation(greeting(), native_account("secret"));
  conversation.client_sends(login(native_login("secret", kModernClient | 0xff000000u)));
  ASSERT_TRUE(conversation.accepted);
  EXPECT_EQ(conversation.accepted->capabilities, kModernClient);
}

TEST(LoginRequest, IsBounded) {
  LoginFields long_user = native_login("secret");
  long_user.user = std::string(kMaxUserNameSize + 1, 'u');
  LoginFields long_database = native_login("secret");
  long_database.database = std::string(kMaxDatabaseNameSize + 1, 'd');
  for (const LoginFields& fields : {long_user, long_database}) {
    Conversation conversation(greeting(), native_account("secret"));
    conversation.client_sends(login(fields));
    EXPECT_TRUE(conversation.rejected);
  }
  LoginFields many = native_login("secret");
  for (int i = 0; i < 1000; ++i) many.attributes[std::to_string(i)] = "x";
  Conversation conversation(greeting(), native_account("secret"));
  conversation.client_sends(login(many));
  ASSERT_TRUE(conversation.accepted);
  EXPECT_EQ(conversation.accepted->attributes.size(), kMaxConnectAttributes);
}

// Every login that works, cut at every byte of every packet: none is accepted, all end.
struct Script {
  std::string name;
  AccountCredentials account;
  std::vector<ByteBuffer> packets;
};

std::vector<Script> scripts() {
  LoginFields with_everything = sha2_login("secret");
  with_everything.database = "shop";
  with_everything.attributes = {{"program_name", "x"}, {"_os", "Linux"}};
  return {
      {"native", native_account("secret"), {login(native_login("secret"))}},
      {"mysqljs", native_account("secret"), {login(native_login("secret", kMysqljs))}},
      {"switch to native",
       native_account("secret"),
       {login(with_everything), native_client_response("secret", scramble_for_tests())}},
      {"fast", remembered_account("secret"), {login(with_everything)}},
      {"TLS", sha2_account("secret"), {tls_request(), login(with_everything), packet("secret\0"sv)}},
      {"RSA", sha2_account("secret"), {login(with_everything), packet("\x02"), encrypted_password("secret")}},
      {"switch to sha2",
       sha2_account("secret"),
       {login(native_login("secret")), sha2_client_response("secret", scramble_for_tests()),
        encrypted_password("secret")}},
  };
}

TEST(Scripts, AreAcceptedWhole) {
  for (const auto& [name, account, packets] : scripts()) {
    Conversation conversation(greeting(), account);
    for (const ByteBuffer& payload : packets) conversation.client_sends(payload);
    EXPECT_TRUE(conversation.accepted) << name;
  }
}

// Some clients announce a plugin and attributes and send neither: to end there is no mistake.
bool may_end_at(Bytes request, std::size_t size) {
  const auto login = decode_login_request(request.first(size), offered_capabilities(true));
  return login.ok() && (login->plugin.empty() || login->attributes.empty());
}

TEST(Scripts, AreRejectedWhenCutAnywhere) {
  for (const auto& [name, account, packets] : scripts()) {
    for (std::size_t cut = 0; cut < packets.size(); ++cut) {
      for (std::size_t size = 0; size < packets[cut].size(); ++size) {
        if (may_end_at(packets[cut], size)) continue;
        Conversation conversation(greeting(), account);
        for (std::size_t i = 0; i < packets.size(); ++i) {
          conversation.client_sends(i == cut ? Bytes(packets[i]).first(size) : Bytes(packets[i]));
        }
        EXPECT_TRUE(conversation.rejected) << name << ": packet " << cut << " cut to " << size;
      }
    }
  }
}

TEST(Login, NeedsNoPluginNameWhereOneWasAnnounced) {
  ByteWriter out;
  out.u32(capability::kProtocol41 | capability::kSecureConnection | capability::kPluginAuth).u32(0).u8(45).zeros(23);
  out.nul_terminated_text("replica").u8(20).bytes(native_client_response("secret", scramble_for_tests()));
  const auto login = decode_login_request(out.view(), offered_capabilities(true));
  ASSERT_TRUE(login.ok()) << login.error().context;
  EXPECT_EQ(login->plugin, "");
}

TEST(Scripts, AreRejectedWithAnyByteOfAProofChanged) {
  for (const auto& [name, account, packets] : scripts()) {
    if (packets.size() == 1) continue;
    for (std::size_t at = 0; at < packets.back().size(); ++at) {
      Conversation conversation(greeting(), account);
      ByteBuffer changed = packets.back();
      changed[at] ^= std::byte{1};
      for (std::size_t i = 0; i + 1 < packets.size(); ++i) conversation.client_sends(packets[i]);
      EXPECT_FALSE(conversation.client_sends(changed).accepted) << name << ": byte " << at;
    }
  }
}

}  // namespace
}  // namespace binrelay
