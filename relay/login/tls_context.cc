#include "relay/login/tls_context.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <fstream>
#include <sstream>

#include "relay/config/secret_file.h"

namespace binrelay {

namespace {

namespace fs = std::filesystem;
constexpr unsigned kKeyBits = 2048;
constexpr long kCertificateSeconds = 10L * 365 * 24 * 3600;

struct BioFree {
  void operator()(BIO* bio) const { BIO_free(bio); }
};
using Bio = std::unique_ptr<BIO, BioFree>;

std::shared_ptr<EVP_PKEY> own(EVP_PKEY* key) { return {key, EVP_PKEY_free}; }

std::string drain(BIO* bio) {
  char* text = nullptr;
  const long size = BIO_get_mem_data(bio, &text);
  return {text, static_cast<std::size_t>(size)};
}

Error openssl_error(const std::string& what) {
  char text[256] = "unknown error";
  if (const unsigned long code = ERR_get_error(); code != 0) ERR_error_string_n(code, text, sizeof text);
  return Error{Errc::io, what + ": " + text};
}

Result<std::string> private_key_pem(EVP_PKEY* key) {
  const Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PrivateKey(bio.get(), key, nullptr, nullptr, 0, nullptr, nullptr) != 1)
    return openssl_error("cannot write a key");
  return drain(bio.get());
}

Result<std::shared_ptr<EVP_PKEY>> make_key() {
  auto key = own(EVP_RSA_gen(kKeyBits));
  if (!key) return openssl_error("cannot make an RSA key");
  return key;
}

Result<std::string> make_certificate_pem(EVP_PKEY* key) {
  const std::unique_ptr<X509, decltype(&X509_free)> certificate(X509_new(), X509_free);
  X509_set_version(certificate.get(), 2);
  std::uint64_t serial = 0;
  std::ifstream("/dev/urandom", std::ios::binary).read(reinterpret_cast<char*>(&serial), sizeof serial);
  ASN1_INTEGER_set_uint64(X509_get_serialNumber(certificate.get()), serial >> 1);
  X509_gmtime_adj(X509_getm_notBefore(certificate.get()), -3600);
  X509_gmtime_adj(X509_getm_notAfter(certificate.get()), kCertificateSeconds);
  X509_set_pubkey(certificate.get(), key);
  X509_NAME* name = X509_get_subject_name(certificate.get());
  X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, reinterpret_cast<const unsigned char*>("binrelay self-signed"),
                             -1, -1, 0);
  X509_set_issuer_name(certificate.get(), name);
  if (X509_sign(certificate.get(), key, EVP_sha256()) == 0) return openssl_error("cannot sign a certificate");
  const Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_X509(bio.get(), certificate.get()) != 1) return openssl_error("cannot write a certificate");
  return drain(bio.get());
}

Status make_certificate(const fs::path& certificate_file, const fs::path& key_file) {
  BINRELAY_ASSIGN(const auto key, make_key());
  BINRELAY_ASSIGN(const auto key_pem, private_key_pem(key.get()));
  BINRELAY_ASSIGN(const auto certificate_pem, make_certificate_pem(key.get()));
  std::error_code none;
  fs::remove(certificate_file, none);  // it does not belong to the key that comes now
  BINRELAY_TRY(write_secret_file(key_file, key_pem));
  return write_secret_file(certificate_file, certificate_pem);
}

Result<std::shared_ptr<EVP_PKEY>> load_or_make_login_key(const fs::path& path) {
  if (!holds_secret(path)) {
    BINRELAY_ASSIGN(auto key, make_key());
    BINRELAY_ASSIGN(const auto pem, private_key_pem(key.get()));
    BINRELAY_TRY(write_secret_file(path, pem));
    return key;
  }
  std::ifstream file(path);
  std::stringstream content;
  content << file.rdbuf();
  const std::string pem = content.str();
  const Bio bio(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
  auto key = own(PEM_read_bio_PrivateKey(bio.get(), nullptr, nullptr, nullptr));
  if (!key)
    return openssl_error("cannot read the key in " + path.string() + " (delete the file to have a new one made)");
  return key;
}

}  // namespace

Result<std::unique_ptr<TlsContext>> TlsContext::open(const ListenTlsConfig& config, const fs::path& directory) {
  std::unique_ptr<TlsContext> tls(new TlsContext);
  std::error_code failed;
  fs::create_directories(directory, failed);
  if (failed) return Error{Errc::io, "cannot create " + directory.string() + ": " + failed.message()};
  fs::permissions(directory, fs::perms::owner_all, failed);

  BINRELAY_ASSIGN(tls->login_key_, load_or_make_login_key(directory / "login_key.pem"));
  const Bio bio(BIO_new(BIO_s_mem()));
  if (PEM_write_bio_PUBKEY(bio.get(), tls->login_key_.get()) != 1)
    return openssl_error("cannot write the login key's public part");
  tls->login_public_key_ = drain(bio.get());

  tls->offered_ = config.enabled;
  if (!config.enabled) return tls;
  fs::path certificate_file = config.certificate_file;
  fs::path key_file = config.key_file;
  if (certificate_file.empty()) {
    certificate_file = directory / "certificate.pem";
    key_file = directory / "key.pem";
    if (!holds_secret(certificate_file) || !holds_secret(key_file))
      BINRELAY_TRY(make_certificate(certificate_file, key_file));
  }
  boost::system::error_code bad;
  tls->context_.set_options(boost::asio::ssl::context::default_workarounds | boost::asio::ssl::context::no_sslv2 |
                                boost::asio::ssl::context::no_sslv3 | boost::asio::ssl::context::no_tlsv1 |
                                boost::asio::ssl::context::no_tlsv1_1,
                            bad);
  tls->context_.use_certificate_chain_file(certificate_file.string(), bad);
  if (bad) return Error{Errc::io, "cannot use the certificate in " + certificate_file.string() + ": " + bad.message()};
  tls->context_.use_private_key_file(key_file.string(), boost::asio::ssl::context::pem, bad);
  if (bad) return Error{Errc::io, "cannot use the key in " + key_file.string() + ": " + bad.message()};
  if (!config.client_ca_file.empty()) {
    tls->context_.load_verify_file(config.client_ca_file, bad);
    if (bad) return Error{Errc::io, "cannot use the authorities in " + config.client_ca_file + ": " + bad.message()};
    SSL_CTX_set_client_CA_list(tls->context_.native_handle(), SSL_load_client_CA_file(config.client_ca_file.c_str()));
    // Asked of every client; which accounts insist on it, and whether it counts, is looked at after the login.
    SSL_CTX_set_verify(tls->context_.native_handle(), SSL_VERIFY_PEER, [](int, X509_STORE_CTX*) { return 1; });
    static constexpr std::string_view kSessions = "binrelay";
    SSL_CTX_set_session_id_context(tls->context_.native_handle(),
                                   reinterpret_cast<const unsigned char*>(kSessions.data()), kSessions.size());
  }
  if (const X509* certificate = SSL_CTX_get0_certificate(tls->context_.native_handle())) {
    auto& digest = tls->certificate_digest_.emplace();
    unsigned size = digest.size();
    X509_digest(certificate, EVP_sha256(), reinterpret_cast<unsigned char*>(digest.data()), &size);
  }
  return tls;
}

std::optional<ByteBuffer> TlsContext::decrypt(Bytes cipher) const {
  const std::unique_ptr<EVP_PKEY_CTX, decltype(&EVP_PKEY_CTX_free)> context(EVP_PKEY_CTX_new(login_key_.get(), nullptr),
                                                                            EVP_PKEY_CTX_free);
  const auto* input = reinterpret_cast<const unsigned char*>(cipher.data());
  std::size_t size = 0;
  if (!context || EVP_PKEY_decrypt_init(context.get()) <= 0 ||
      EVP_PKEY_CTX_set_rsa_padding(context.get(), RSA_PKCS1_OAEP_PADDING) <= 0 ||
      EVP_PKEY_decrypt(context.get(), nullptr, &size, input, cipher.size()) <= 0) {
    ERR_clear_error();
    return std::nullopt;
  }
  ByteBuffer clear(size);
  if (EVP_PKEY_decrypt(context.get(), reinterpret_cast<unsigned char*>(clear.data()), &size, input, cipher.size()) <=
      0) {
    ERR_clear_error();
    return std::nullopt;
  }
  clear.resize(size);
  return clear;
}

}  // namespace binrelay
