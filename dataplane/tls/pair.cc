#include "dataplane/tls/pair.h"

#include <openssl/bytestring.h>
#include <openssl/ec.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/nid.h>
#include <openssl/pool.h>
#include <openssl/x509.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/tls_trust.h"
#include "dataplane/tls/wall.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane::tls {
namespace {

const uint8_t* Bytes(const std::string& text) {
  return reinterpret_cast<const uint8_t*>(text.data());
}

bssl::UniquePtr<EVP_PKEY> ParseKey(const std::string& der) {
  CBS cbs;
  CBS_init(&cbs, Bytes(der), der.size());
  bssl::UniquePtr<EVP_PKEY> key(EVP_parse_private_key(&cbs));
  if (CBS_len(&cbs) != 0) key.reset();
  return key;
}

// The scheme of its curve; 0 when it is no ECDSA key of a curve that TLS has a scheme for.
uint16_t EcdsaScheme(const EVP_PKEY* key) {
  if (EVP_PKEY_id(key) != EVP_PKEY_EC) return 0;
  switch (EC_GROUP_get_curve_name(EC_KEY_get0_group(EVP_PKEY_get0_EC_KEY(key)))) {
    case NID_X9_62_prime256v1:
      return SSL_SIGN_ECDSA_SECP256R1_SHA256;
    case NID_secp384r1:
      return SSL_SIGN_ECDSA_SECP384R1_SHA384;
    case NID_secp521r1:
      return SSL_SIGN_ECDSA_SECP521R1_SHA512;
    default:
      return 0;
  }
}

absl::Status SetChain(const lb::type::v1::CertificatePair& from, Pair& pair) {
  if (from.chain_der_size() < 1 || from.chain_der_size() > kMaxChainLength)
    return absl::InvalidArgumentError(
        absl::StrCat(from.chain_der_size(), " certificates are not in 1..", kMaxChainLength));
  for (const std::string& der : from.chain_der()) {
    if (ParseCertificate(der) == nullptr)
      return absl::InvalidArgumentError(
          absl::StrCat("certificate ", pair.chain.size() + 1, " of the chain is none"));
    pair.chain.emplace_back(CRYPTO_BUFFER_new(Bytes(der), der.size(), nullptr));
  }
  return absl::OkStatus();
}

absl::Status SetKey(const lb::type::v1::CertificatePair& from, Pair& pair) {
  pair.key = ParseKey(from.key_der());
  if (pair.key == nullptr) return absl::InvalidArgumentError("the key is no PKCS8 key");
  pair.ecdsa_scheme = EcdsaScheme(pair.key.get());
  if (pair.ecdsa_scheme == 0 && EVP_PKEY_id(pair.key.get()) != EVP_PKEY_RSA)
    return absl::InvalidArgumentError("the key is neither RSA nor ECDSA of P-256, P-384 or P-521");
  const bssl::UniquePtr<X509> leaf = ParseCertificate(from.chain_der(0));
  if (X509_check_private_key(leaf.get(), pair.key.get()) != 1)
    return absl::InvalidArgumentError("the key is not that of the certificate");
  return absl::OkStatus();
}

std::vector<CRYPTO_BUFFER*> ChainOf(const Pair& pair) {
  std::vector<CRYPTO_BUFFER*> chain;
  chain.reserve(pair.chain.size());
  for (const auto& certificate : pair.chain) chain.push_back(certificate.get());
  return chain;
}

// Whether a handshake could show it, which asks for more than that it parses: a key usage that
// allows to sign, to begin with.
absl::Status TryToShow(const Pair& pair) {
  const bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  const std::vector<CRYPTO_BUFFER*> chain = ChainOf(pair);
  if (SSL_CTX_set_chain_and_key(context.get(), chain.data(), chain.size(), pair.key.get(),
                                nullptr) != 1)
    return absl::InvalidArgumentError("a handshake cannot show the certificate");
  return absl::OkStatus();
}

}  // namespace

absl::StatusOr<std::shared_ptr<const Pair>> ParsePair(const lb::type::v1::CertificatePair& from) {
  auto pair = std::make_shared<Pair>();
  absl::Status status = SetChain(from, *pair);
  if (status.ok()) status = SetKey(from, *pair);
  if (status.ok()) status = TryToShow(*pair);
  ERR_clear_error();
  if (!status.ok()) return status;
  pair->ocsp_response = from.ocsp_response_der();
  pair->ocsp_next_update_s = from.ocsp_next_update_s();
  pair->names.assign(from.names().begin(), from.names().end());
  return std::shared_ptr<const Pair>(std::move(pair));
}

bool ShowPair(const Pair& pair, SSL* ssl) {
  const std::vector<CRYPTO_BUFFER*> chain = ChainOf(pair);
  if (SSL_set_chain_and_key(ssl, chain.data(), chain.size(), pair.key.get(), nullptr) != 1)
    return false;
  if (pair.ocsp_response.empty() || WallSeconds() >= pair.ocsp_next_update_s) return true;
  return SSL_set_ocsp_response(ssl, Bytes(pair.ocsp_response), pair.ocsp_response.size()) == 1;
}

}  // namespace lb::dataplane::tls
