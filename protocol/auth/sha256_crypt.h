#pragma once
// SHA-crypt with SHA-256 (Ulrich Drepper, "Unix crypt using SHA-256 and SHA-512"), for the 20-byte salts of
// caching_sha2_password: the C library's crypt() cuts a salt at 16.
#include <cstdint>
#include <string>
#include <string_view>

namespace binrelay {

// The 43 digest characters. Costs `rounds` digests, about 0.5 µs each.
std::string sha256_crypt(std::string_view password, std::string_view salt, std::uint32_t rounds);

}  // namespace binrelay
