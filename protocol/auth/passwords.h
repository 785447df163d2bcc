#pragma once
// Password arithmetic of the two plugins (MySQL manual, "Authentication Methods"; the stored forms are those of
// mysql.user).
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "protocol/bytes.h"
#include "protocol/result.h"

namespace binrelay {

inline constexpr std::string_view kNativePassword = "mysql_native_password";
inline constexpr std::string_view kCachingSha2Password = "caching_sha2_password";

// mysqld's limit for clear-text passwords; the cost of the crypt grows with the square of the length.
inline constexpr std::size_t kMaxPasswordSize = 256;

using Scramble = std::array<std::byte, 20>;  // 7-bit, no NUL
using Sha256Digest = std::array<std::byte, 32>;

// A stored password: "*" + 40 hex digits (native) or "$A$005$" + 20 salt + 43 digest characters (caching_sha2). "" = no
// password, whatever the plugin.
struct PasswordHash {
  std::string_view plugin;  // kNativePassword or kCachingSha2Password
  std::string text;
};
// Also takes the caching_sha2 form in hex (0x…), as SHOW CREATE USER prints it with print_identified_with_as_hex: salts
// hold any byte.
Result<PasswordHash> parse_password_hash(std::string_view text);

std::string native_password_hash(std::string_view password);
std::string caching_sha2_password_hash(std::string_view password, std::string_view twenty_byte_salt);

// Does `response` (20 bytes, or none for an empty password) answer `scramble` for a native hash?
bool native_response_matches(const PasswordHash& hash, const Scramble& scramble, Bytes response);
// Fast path: `response` (32 bytes) against SHA256(SHA256(password)) remembered from a full login.
bool sha2_fast_response_matches(const Sha256Digest& remembered, const Scramble& scramble, Bytes response);
Sha256Digest sha2_fast_digest(std::string_view password);  // SHA256(SHA256(password))
// Slow path: a clear-text password against the stored hash (5000 rounds: ~3 ms).
bool password_matches(const PasswordHash& hash, std::string_view password);

// What tells a MariaDB >= 11.4 client that a certificate nobody signed is its server's: only who knows the native hash
// can say it. It goes into the OK packet's text. (MariaDB documentation, "Zero-Configuration SSL"; `certificate` is the
// SHA-256 of its DER.)
std::string certificate_proof(const PasswordHash& native_hash, const Scramble& scramble,
                              const Sha256Digest& certificate);

// Removes the XOR with the scramble that an RSA-encrypted password carries, and its trailing NUL.
std::optional<std::string> unmask_password(Bytes decrypted, const Scramble& scramble);

}  // namespace binrelay
