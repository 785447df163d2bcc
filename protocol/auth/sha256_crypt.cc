#include "protocol/auth/sha256_crypt.h"

#include <array>

#include "protocol/auth/digest.h"

namespace binrelay {

namespace {

// `digest` repeated and cut to `size` bytes.
std::string stretch(const Sha256::Value& digest, std::size_t size) {
  const std::string_view text = as_text(digest);
  std::string stretched;
  stretched.reserve(size + text.size());
  while (stretched.size() < size) stretched += text;
  stretched.resize(size);
  return stretched;
}

Sha256::Value repeated(std::string_view text, std::size_t times) {
  Sha256 digest;
  for (std::size_t i = 0; i < times; ++i) digest.add(as_bytes(text));
  return digest.finish();
}

Sha256::Value first_digest(std::string_view password, std::string_view salt) {
  const Sha256::Value inner = Sha256::of({as_bytes(password), as_bytes(salt), as_bytes(password)});
  Sha256 digest;
  digest.add(as_bytes(password)).add(as_bytes(salt)).add(as_bytes(stretch(inner, password.size())));
  for (std::size_t bits = password.size(); bits > 0; bits >>= 1) {
    digest.add((bits & 1) != 0 ? Bytes(inner) : as_bytes(password));
  }
  return digest.finish();
}

// Three bytes become four characters, in crypt's own alphabet and byte order.
std::string encode(const Sha256::Value& digest) {
  static constexpr std::string_view kAlphabet = "./0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";
  static constexpr std::array<std::array<std::uint8_t, 3>, 10> kOrder{{{0, 10, 20},
                                                                       {21, 1, 11},
                                                                       {12, 22, 2},
                                                                       {3, 13, 23},
                                                                       {24, 4, 14},
                                                                       {15, 25, 5},
                                                                       {6, 16, 26},
                                                                       {27, 7, 17},
                                                                       {18, 28, 8},
                                                                       {9, 19, 29}}};
  const auto byte = [&](std::size_t i) { return std::to_integer<std::uint32_t>(digest[i]); };
  std::string text;
  const auto put = [&](std::uint32_t bits, int characters) {
    for (; characters > 0; --characters, bits >>= 6) text += kAlphabet[bits & 0x3f];
  };
  for (const auto& [high, middle, low] : kOrder) put(byte(high) << 16 | byte(middle) << 8 | byte(low), 4);
  put(byte(31) << 8 | byte(30), 3);
  return text;
}

}  // namespace

std::string sha256_crypt(std::string_view password, std::string_view salt, std::uint32_t rounds) {
  Sha256::Value last = first_digest(password, salt);
  const std::string password_bytes = stretch(repeated(password, password.size()), password.size());
  const std::string salt_bytes = stretch(repeated(salt, 16 + std::to_integer<std::size_t>(last[0])), salt.size());

  Sha256 digest;
  for (std::uint32_t round = 0; round < rounds; ++round) {
    const bool odd = round % 2 == 1;
    digest.add(odd ? as_bytes(password_bytes) : Bytes(last));
    if (round % 3 != 0) digest.add(as_bytes(salt_bytes));
    if (round % 7 != 0) digest.add(as_bytes(password_bytes));
    digest.add(odd ? Bytes(last) : as_bytes(password_bytes));
    last = digest.finish();
  }
  return encode(last);
}

}  // namespace binrelay
