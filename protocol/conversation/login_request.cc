#include "protocol/conversation/login_request.h"

#include "protocol/conversation/server_handshake.h"
#include "protocol/packet/capabilities.h"
#include "protocol/packet/replies.h"
#include "protocol/wire/byte_reader.h"
#include "protocol/wire/byte_writer.h"

namespace binrelay {

namespace {

constexpr std::uint8_t kProtocolVersion = 10;
constexpr std::uint8_t kAuthSwitchHeader = 0xfe;
constexpr std::size_t kFirstScramblePart = 8;
constexpr std::size_t kTlsRequestSize = 32;
constexpr std::size_t kReservedSize = 23;

ByteBuffer read_response(ByteReader& in, std::uint32_t capabilities) {
  Bytes response;
  if ((capabilities & capability::kPluginAuthLenencData) != 0) {
    response = in.take(in.length_encoded());
  } else if ((capabilities & capability::kSecureConnection) != 0) {
    response = in.take(in.u8());
  } else {
    response = as_bytes(in.nul_terminated_text());
  }
  return ByteBuffer(response.begin(), response.end());
}

// Names and values for the process list: the first kMaxConnectAttributes are kept, the rest must only be well-formed.
std::map<std::string, std::string> read_attributes(ByteReader& in) {
  std::map<std::string, std::string> attributes;
  ByteReader pairs(in.take(in.length_encoded()));
  while (!pairs.failed() && !pairs.at_end()) {
    const std::string_view name = pairs.length_encoded_text();
    const std::string_view value = pairs.length_encoded_text();
    if (attributes.size() < kMaxConnectAttributes) attributes.emplace(name, value);
  }
  if (pairs.failed()) in.fail();
  return attributes;
}

// Some clients announce both and send neither, or a plugin alone.
void read_plugin_and_attributes(ByteReader& in, LoginRequest& login) {
  if ((login.capabilities & capability::kPluginAuth) != 0 && !in.at_end()) login.plugin = in.nul_terminated_text();
  if ((login.capabilities & capability::kConnectAttributes) != 0 && !in.at_end())
    login.attributes = read_attributes(in);
}

Result<LoginRequest> checked(const ByteReader& in, LoginRequest login) {
  if (in.failed()) return Error{Errc::short_input, "login request"};
  if (login.user.size() > kMaxUserNameSize || login.database.size() > kMaxDatabaseNameSize) {
    return Error{Errc::limit, "user or database name in the login request"};
  }
  return login;
}

}  // namespace

std::uint32_t offered_capabilities(bool offer_tls) {
  using namespace capability;
  return kLongPassword | kFoundRows | kLongFlag | kConnectWithDb | kProtocol41 | kInteractive | kTransactions |
         kSecureConnection | kMultiStatements | kMultiResults | kPluginAuth | kConnectAttributes |
         kPluginAuthLenencData | (offer_tls ? kSsl : 0);
}

ByteBuffer build_greeting(const ServerGreeting& greeting) {
  const std::uint32_t capabilities = offered_capabilities(greeting.offer_tls);
  const Bytes scramble(greeting.scramble);
  ByteWriter out;
  out.u8(kProtocolVersion).nul_terminated_text(greeting.version).u32(greeting.connection_id);
  out.bytes(scramble.first(kFirstScramblePart)).u8(0);
  out.u16(static_cast<std::uint16_t>(capabilities)).u8(greeting.collation).u16(kStatusAutocommit);
  out.u16(static_cast<std::uint16_t>(capabilities >> 16)).u8(static_cast<std::uint8_t>(scramble.size() + 1)).zeros(10);
  out.bytes(scramble.subspan(kFirstScramblePart)).u8(0).nul_terminated_text(greeting.default_plugin);
  return std::move(out).take();
}

ByteBuffer build_auth_switch(std::string_view plugin, const Scramble& scramble) {
  ByteWriter out;
  out.u8(kAuthSwitchHeader).nul_terminated_text(plugin).bytes(scramble).u8(0);
  return std::move(out).take();
}

bool is_tls_request(Bytes payload) {
  return payload.size() == kTlsRequestSize && (ByteReader(payload).u32() & capability::kSsl) != 0;
}

Result<LoginRequest> decode_login_request(Bytes payload, std::uint32_t offered) {
  ByteReader in(payload);
  LoginRequest login;
  login.capabilities = in.u32() & offered;
  if ((login.capabilities & capability::kProtocol41) == 0) {
    return Error{Errc::unsupported, "the client does not speak the 4.1 protocol"};
  }
  in.skip(4);  // max_allowed_packet of the client
  in.skip(1);  // character set
  in.skip(kReservedSize);
  login.user = in.nul_terminated_text();
  login.response = read_response(in, login.capabilities);
  if ((login.capabilities & capability::kConnectWithDb) != 0) login.database = in.nul_terminated_text();
  read_plugin_and_attributes(in, login);
  return checked(in, std::move(login));
}

Result<LoginRequest> decode_change_user(Bytes request, std::uint32_t capabilities) {
  ByteReader in(request);
  LoginRequest login;
  login.capabilities = capabilities & ~capability::kSsl;  // it is on already, or is not wanted
  login.user = in.nul_terminated_text();
  const Bytes response = in.take(in.u8());
  login.response.assign(response.begin(), response.end());
  login.database = in.nul_terminated_text();
  if (!in.at_end()) in.skip(2);  // character set
  read_plugin_and_attributes(in, login);
  return checked(in, std::move(login));
}

}  // namespace binrelay
