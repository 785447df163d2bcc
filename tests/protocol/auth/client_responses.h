#pragma once
// What a client computes from its password (MySQL manual, "Authentication Methods"): the other side of
// auth/passwords.h.
#include <array>
#include <string>
#include <string_view>

#include "protocol/auth/digest.h"
#include "protocol/auth/passwords.h"
#include "protocol/bytes.h"

namespace binrelay {

inline Scramble scramble_for_tests() {
  Scramble bytes;
  for (std::size_t i = 0; i < bytes.size(); ++i) bytes[i] = static_cast<std::byte>(0x21 + i);
  return bytes;
}

template <std::size_t kSize>
ByteBuffer exclusive_or(std::array<std::byte, kSize> left, const std::array<std::byte, kSize>& right) {
  for (std::size_t i = 0; i < kSize; ++i) left[i] ^= right[i];
  return {left.begin(), left.end()};
}

// SHA1(password) XOR SHA1(scramble, SHA1(SHA1(password)))
inline ByteBuffer native_client_response(std::string_view password, const Scramble& scramble) {
  if (password.empty()) return {};
  const auto once = Sha1::of({as_bytes(password)});
  return exclusive_or(once, Sha1::of({scramble, Sha1::of({once})}));
}

// SHA256(password) XOR SHA256(SHA256(SHA256(password)), scramble)
inline ByteBuffer sha2_client_response(std::string_view password, const Scramble& scramble) {
  if (password.empty()) return {std::byte{0}};
  const auto once = Sha256::of({as_bytes(password)});
  return exclusive_or(once, Sha256::of({Sha256::of({once}), scramble}));
}

// What a client encrypts: the password and its NUL, XOR the scramble over and over.
inline std::string masked_password(std::string_view password, const Scramble& scramble) {
  std::string masked = std::string(password) + '\0';
  for (std::size_t i = 0; i < masked.size(); ++i) masked[i] ^= static_cast<char>(scramble[i % scramble.size()]);
  return masked;
}

}  // namespace binrelay
