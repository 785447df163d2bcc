#pragma once
// The packets of the connection phase (MySQL manual, "Protocol::HandshakeV10", "Protocol::HandshakeResponse41").
#include <cstdint>
#include <map>
#include <string>

#include "protocol/auth/passwords.h"
#include "protocol/bytes.h"
#include "protocol/result.h"

namespace binrelay {

struct ServerGreeting;

inline constexpr std::size_t kMaxUserNameSize = 512;      // 128 characters of utf8mb4 (MariaDB; MySQL has 32)
inline constexpr std::size_t kMaxDatabaseNameSize = 256;  // 64 characters
inline constexpr std::size_t kMaxConnectAttributes = 64;

// What this server offers, with TLS or without.
std::uint32_t offered_capabilities(bool offer_tls);

ByteBuffer build_greeting(const ServerGreeting& greeting);
ByteBuffer build_auth_switch(std::string_view plugin, const Scramble& scramble);

// The 32 bytes a client sends before TLS begins.
bool is_tls_request(Bytes payload);

struct LoginRequest {
  std::uint32_t capabilities = 0;  // of the offered ones
  std::string user, database;
  std::string plugin;  // "" without PLUGIN_AUTH
  ByteBuffer response;
  std::map<std::string, std::string> attributes;
};
// `offered` bounds what the client's capability bits may mean.
Result<LoginRequest> decode_login_request(Bytes payload, std::uint32_t offered);
// COM_CHANGE_USER, behind its first byte, of a client with these capabilities (MySQL manual, "COM_CHANGE_USER").
Result<LoginRequest> decode_change_user(Bytes request, std::uint32_t capabilities);

}  // namespace binrelay
