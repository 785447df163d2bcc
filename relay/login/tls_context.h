#pragma once
// TlsContext: the certificate towards consumers, and the RSA key with which caching_sha2_password's clients hide a
// password where there is no TLS. Both are made at first start when not configured and kept under <data_dir>/tls.
// Thread: any after open(). Owner: Stream.
#include <boost/asio/ssl/context.hpp>
#include <filesystem>
#include <memory>
#include <optional>
#include <string>

#include "protocol/auth/passwords.h"
#include "protocol/bytes.h"
#include "protocol/result.h"
#include "relay/config/relay_config.h"

typedef struct evp_pkey_st EVP_PKEY;

namespace binrelay {

class TlsContext {
 public:
  static Result<std::unique_ptr<TlsContext>> open(const ListenTlsConfig& config,
                                                  const std::filesystem::path& directory);

  bool offered() const { return offered_; }
  boost::asio::ssl::context& context() { return context_; }
  // SHA-256 of the certificate's DER; nothing without TLS.
  const std::optional<Sha256Digest>& certificate_digest() const { return certificate_digest_; }
  const std::string& login_public_key() const { return login_public_key_; }  // PEM
  std::optional<ByteBuffer> decrypt(Bytes cipher) const;                     // RSA OAEP

 private:
  TlsContext() : context_(boost::asio::ssl::context::tls_server) {}
  boost::asio::ssl::context context_;
  bool offered_ = false;
  std::optional<Sha256Digest> certificate_digest_;
  std::string login_public_key_;
  std::shared_ptr<EVP_PKEY> login_key_;
};

}  // namespace binrelay
