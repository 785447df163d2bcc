#include "protocol/auth/digest.h"

#include "protocol/check.h"

namespace binrelay {

template <std::size_t kSize>
Digest<kSize>::Digest()
    : algorithm_(EVP_MD_fetch(nullptr, kSize == kSha1Size ? "SHA1" : "SHA256", nullptr)), context_(EVP_MD_CTX_new()) {
  BINRELAY_CHECK(algorithm_ && context_, "OpenSSL offers SHA-1 and SHA-256");
  begin();
}

template <std::size_t kSize>
Digest<kSize>& Digest<kSize>::add(Bytes piece) {
  BINRELAY_CHECK(EVP_DigestUpdate(context_.get(), piece.data(), piece.size()) == 1, "digest update");
  return *this;
}

template <std::size_t kSize>
typename Digest<kSize>::Value Digest<kSize>::finish() {
  Value value;
  BINRELAY_CHECK(EVP_DigestFinal_ex(context_.get(), reinterpret_cast<unsigned char*>(value.data()), nullptr) == 1,
                 "digest final");
  begin();
  return value;
}

template <std::size_t kSize>
typename Digest<kSize>::Value Digest<kSize>::of(std::initializer_list<Bytes> pieces) {
  Digest digest;
  for (const Bytes piece : pieces) digest.add(piece);
  return digest.finish();
}

template <std::size_t kSize>
void Digest<kSize>::begin() {
  BINRELAY_CHECK(EVP_DigestInit_ex(context_.get(), algorithm_.get(), nullptr) == 1, "digest init");
}

template class Digest<kSha1Size>;
template class Digest<kSha256Size>;

}  // namespace binrelay
