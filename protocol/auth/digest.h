#pragma once
// SHA-1 and SHA-256 over several pieces, by OpenSSL.
#include <openssl/evp.h>

#include <array>
#include <cstddef>
#include <initializer_list>
#include <memory>

#include "protocol/bytes.h"

namespace binrelay {

inline constexpr std::size_t kSha1Size = 20;
inline constexpr std::size_t kSha256Size = 32;

// Digest computes one hash after another: add() the pieces, finish(), begin anew. The algorithm is looked up once: a
// lookup for each of 5000 rounds would cost more than the rounds.
// Thread: any, one at a time.
// Owner:  the function that hashes.
template <std::size_t kSize>
class Digest {
 public:
  using Value = std::array<std::byte, kSize>;

  Digest();
  Digest& add(Bytes piece);
  Value finish();

  static Value of(std::initializer_list<Bytes> pieces);

 private:
  struct Free {
    void operator()(EVP_MD* algorithm) const { EVP_MD_free(algorithm); }
    void operator()(EVP_MD_CTX* context) const { EVP_MD_CTX_free(context); }
  };
  void begin();

  std::unique_ptr<EVP_MD, Free> algorithm_;
  std::unique_ptr<EVP_MD_CTX, Free> context_;
};

using Sha1 = Digest<kSha1Size>;
using Sha256 = Digest<kSha256Size>;

extern template class Digest<kSha1Size>;
extern template class Digest<kSha256Size>;

}  // namespace binrelay
