#include "protocol/auth/passwords.h"

#include <openssl/crypto.h>

#include <charconv>

#include "protocol/auth/digest.h"
#include "protocol/auth/sha256_crypt.h"
#include "protocol/check.h"

namespace binrelay {

namespace {

constexpr std::size_t kSaltSize = 20;
constexpr std::size_t kCryptDigestSize = 43;
constexpr std::string_view kSha2Prefix = "$A$";
constexpr std::string_view kDefaultIterations = "005";
constexpr std::size_t kSaltOffset = kSha2Prefix.size() + kDefaultIterations.size() + 1;
constexpr std::size_t kSha2HashSize = kSaltOffset + kSaltSize + kCryptDigestSize;
constexpr std::uint32_t kRoundsPerIteration = 1000;
constexpr std::size_t kNativeHashSize = 1 + 2 * kSha1Size;

// The number that `digits` spell, if they spell nothing else.
std::optional<std::uint32_t> parse_hex(std::string_view digits) {
  std::uint32_t value = 0;
  const auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, 16);
  if (error != std::errc{} || end != digits.data() + digits.size()) return std::nullopt;
  return value;
}

std::optional<std::string> decode_hex(std::string_view digits) {
  if (digits.size() % 2 != 0) return std::nullopt;
  std::string bytes;
  for (std::size_t i = 0; i < digits.size(); i += 2) {
    const auto byte = parse_hex(digits.substr(i, 2));
    if (!byte) return std::nullopt;
    bytes += static_cast<char>(*byte);
  }
  return bytes;
}

std::string encode_hex(Bytes bytes) {
  static constexpr std::string_view kDigits = "0123456789ABCDEF";
  std::string text;
  for (const std::byte byte : bytes) {
    text += kDigits[std::to_integer<unsigned>(byte >> 4)];
    text += kDigits[std::to_integer<unsigned>(byte & std::byte{0x0f})];
  }
  return text;
}

bool equal_in_constant_time(Bytes left, Bytes right) {
  return left.size() == right.size() && CRYPTO_memcmp(left.data(), right.data(), left.size()) == 0;
}

template <std::size_t kSize>
std::array<std::byte, kSize> exclusive_or(Bytes left, const std::array<std::byte, kSize>& right) {
  std::array<std::byte, kSize> result = right;
  for (std::size_t i = 0; i < kSize; ++i) result[i] ^= left[i];
  return result;
}

// Rounds of a caching_sha2_password hash of the right size; nothing when its fixed characters are wrong.
std::optional<std::uint32_t> rounds_of(std::string_view text) {
  if (!text.starts_with(kSha2Prefix) || text[kSaltOffset - 1] != '$') return std::nullopt;
  const auto iterations = parse_hex(text.substr(kSha2Prefix.size(), kDefaultIterations.size()));
  if (!iterations || *iterations == 0) return std::nullopt;
  return *iterations * kRoundsPerIteration;
}

}  // namespace

Result<PasswordHash> parse_password_hash(std::string_view text) {
  if (text.empty()) return PasswordHash{kNativePassword, ""};
  if (text.size() == kNativeHashSize && text[0] == '*') {
    const auto digest = decode_hex(text.substr(1));
    if (!digest) return Error{Errc::malformed, "a mysql_native_password hash is * and 40 hex digits"};
    return PasswordHash{kNativePassword, "*" + encode_hex(as_bytes(*digest))};
  }
  if (text.size() == kSha2HashSize && rounds_of(text)) return PasswordHash{kCachingSha2Password, std::string(text)};
  if (text.size() == 2 + 2 * kSha2HashSize && (text.starts_with("0x") || text.starts_with("0X"))) {
    const auto decoded = decode_hex(text.substr(2));
    if (decoded && rounds_of(*decoded)) return PasswordHash{kCachingSha2Password, *decoded};
  }
  return Error{Errc::malformed,
               "not a password hash: neither * and 40 hex digits (mysql_native_password) nor the 70 characters of a "
               "caching_sha2_password hash ($A$005$...), as they are or in hex (0x2441...)"};
}

std::string native_password_hash(std::string_view password) {
  if (password.empty()) return "";
  const Sha1::Value once = Sha1::of({as_bytes(password)});
  return "*" + encode_hex(Sha1::of({once}));
}

std::string caching_sha2_password_hash(std::string_view password, std::string_view twenty_byte_salt) {
  BINRELAY_CHECK(twenty_byte_salt.size() == kSaltSize, "the salt has 20 bytes");
  if (password.empty()) return "";
  const auto rounds = *parse_hex(kDefaultIterations) * kRoundsPerIteration;
  return std::string(kSha2Prefix)
      .append(kDefaultIterations)
      .append("$")
      .append(twenty_byte_salt)
      .append(sha256_crypt(password, twenty_byte_salt, rounds));
}

bool native_response_matches(const PasswordHash& hash, const Scramble& scramble, Bytes response) {
  if (hash.text.empty() || response.empty()) return hash.text.empty() && response.empty();
  if (hash.text.size() != kNativeHashSize || response.size() != kSha1Size) return false;
  const auto stored = decode_hex(std::string_view(hash.text).substr(1));
  if (!stored) return false;
  const Sha1::Value once = exclusive_or(response, Sha1::of({scramble, as_bytes(*stored)}));
  return equal_in_constant_time(Sha1::of({once}), as_bytes(*stored));
}

bool sha2_fast_response_matches(const Sha256Digest& remembered, const Scramble& scramble, Bytes response) {
  if (response.size() != kSha256Size) return false;
  const Sha256Digest once = exclusive_or(response, Sha256::of({remembered, scramble}));
  return equal_in_constant_time(Sha256::of({once}), remembered);
}

Sha256Digest sha2_fast_digest(std::string_view password) {
  const Sha256::Value once = Sha256::of({as_bytes(password)});
  return Sha256::of({once});
}

bool password_matches(const PasswordHash& hash, std::string_view password) {
  if (hash.text.empty() || password.empty()) return hash.text.empty() && password.empty();
  if (password.size() > kMaxPasswordSize) return false;
  if (hash.plugin == kNativePassword) {
    return equal_in_constant_time(as_bytes(native_password_hash(password)), as_bytes(hash.text));
  }
  const std::string_view text = hash.text;
  if (text.size() != kSha2HashSize) return false;
  const auto rounds = rounds_of(text);
  if (!rounds) return false;
  const std::string digest = sha256_crypt(password, text.substr(kSaltOffset, kSaltSize), *rounds);
  return equal_in_constant_time(as_bytes(digest), as_bytes(text.substr(kSaltOffset + kSaltSize)));
}

std::string certificate_proof(const PasswordHash& native_hash, const Scramble& scramble,
                              const Sha256Digest& certificate) {
  BINRELAY_CHECK(native_hash.text.size() == kNativeHashSize, "a native hash of a password");
  const auto stored = decode_hex(std::string_view(native_hash.text).substr(1));
  BINRELAY_CHECK(stored.has_value(), "a parsed hash");
  return '\x01' + encode_hex(Sha256::of({as_bytes(*stored), scramble, certificate}));
}

std::optional<std::string> unmask_password(Bytes decrypted, const Scramble& scramble) {
  std::string password(as_text(decrypted));
  for (std::size_t i = 0; i < password.size(); ++i) {
    password[i] = static_cast<char>(static_cast<std::byte>(password[i]) ^ scramble[i % scramble.size()]);
  }
  if (password.empty() || password.back() != '\0') return std::nullopt;
  password.pop_back();
  return password;
}

}  // namespace binrelay
