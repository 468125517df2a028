#include "controlplane/tls/pair.h"

#include <openssl/bytestring.h>
#include <openssl/ec_key.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/mem.h>
#include <openssl/rsa.h>
#include <openssl/x509v3.h>

#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/config/codes.h"
#include "controlplane/tls/chain.h"
#include "controlplane/tls/facts.h"
#include "controlplane/tls/ocsp.h"
#include "controlplane/tls/pem.h"

namespace lb::controlplane {
namespace {

using Part = MaterialProblem::Part;
using Key = bssl::UniquePtr<EVP_PKEY>;

constexpr char kEncryptedHint[] =
    "'openssl pkey -in FILE -out NEW' asks for the passphrase and writes the key without it";

void Add(Part part, std::string_view code, std::string message, MaterialProblems& problems,
         std::string hint = "") {
  problems.push_back(
      {.part = part, .code = code, .message = std::move(message), .hint = std::move(hint)});
}

bool IsKey(const PemBlock& block) {
  constexpr std::string_view kEnd = "PRIVATE KEY";
  const std::string_view label = block.label;
  return label.size() >= kEnd.size() && label.substr(label.size() - kEnd.size()) == kEnd;
}

Key ParseKey(const PemBlock& block) {
  CBS der;
  CBS_init(&der, reinterpret_cast<const uint8_t*>(block.der.data()), block.der.size());
  Key key;
  if (block.label == "PRIVATE KEY") {
    key.reset(EVP_parse_private_key(&der));
  } else if (block.label == "RSA PRIVATE KEY") {
    bssl::UniquePtr<RSA> rsa(RSA_parse_private_key(&der));
    Key fresh(EVP_PKEY_new());
    if (rsa != nullptr && EVP_PKEY_set1_RSA(fresh.get(), rsa.get()) == 1) key = std::move(fresh);
  } else if (block.label == "EC PRIVATE KEY") {
    bssl::UniquePtr<EC_KEY> ec(EC_KEY_parse_private_key(&der, nullptr));
    Key fresh(EVP_PKEY_new());
    if (ec != nullptr && EVP_PKEY_set1_EC_KEY(fresh.get(), ec.get()) == 1) key = std::move(fresh);
  }
  ERR_clear_error();
  if (CBS_len(&der) != 0) key.reset();
  return key;
}

// The one private key of a file, which may hold certificates too.
Key ReadKey(std::string_view text, MaterialProblems& problems) {
  absl::StatusOr<std::vector<PemBlock>> blocks = ReadPem(text);
  if (!blocks.ok()) {
    Add(Part::kKey, codes::kBadKey, std::string(blocks.status().message()), problems);
    return nullptr;
  }
  const PemBlock* found = nullptr;
  for (const PemBlock& block : *blocks) {
    if (!IsKey(block)) continue;
    if (found != nullptr) {
      Add(Part::kKey, codes::kBadKey, "it holds more than one private key", problems);
      return nullptr;
    }
    found = &block;
  }
  if (found == nullptr) {
    Add(Part::kKey, codes::kBadKey, "it holds no private key in PEM form", problems);
    return nullptr;
  }
  if (found->encrypted) {
    Add(Part::kKey, codes::kBadKey, "its private key is encrypted", problems, kEncryptedHint);
    return nullptr;
  }
  Key key = ParseKey(*found);
  if (key == nullptr)
    Add(Part::kKey, codes::kBadKey, "its private key is damaged, or of no type that is known",
        problems);
  return key;
}

std::string MarshalKey(const EVP_PKEY* key) {
  bssl::ScopedCBB cbb;
  uint8_t* der = nullptr;
  size_t bytes = 0;
  const bool good = CBB_init(cbb.get(), 0) == 1 && EVP_marshal_private_key(cbb.get(), key) == 1 &&
                    CBB_finish(cbb.get(), &der, &bytes) == 1;
  ERR_clear_error();
  if (!good) return "";
  std::string text(reinterpret_cast<const char*>(der), bytes);
  OPENSSL_free(der);  // Wipes it.
  return text;
}

// What a certificate may be used for, where it says so at all (RFC 5280
// sections 4.2.1.3, 4.2.1.12).
void CheckUse(X509* leaf, PairUse use, MaterialProblems& problems) {
  const auto refuse = [&](const char* what) {
    Add(Part::kCert, codes::kBadCertificate, what, problems);
  };
  if ((X509_get_key_usage(leaf) & KU_DIGITAL_SIGNATURE) == 0)
    refuse("its key usage lacks digitalSignature, which every handshake needs");
  const uint32_t extended = X509_get_extended_key_usage(leaf);
  if (use.clients && (extended & (XKU_SSL_SERVER | XKU_ANYEKU)) == 0)
    refuse("its extended key usage lacks serverAuth: clients would refuse it");
  if (use.backends && (extended & (XKU_SSL_CLIENT | XKU_ANYEKU)) == 0)
    refuse("its extended key usage lacks clientAuth: backends would refuse it");
}

void CheckTime(const X509* certificate, size_t place, int64_t now_s, MaterialProblems& problems) {
  const std::string who =
      place == 0 ? "it" : absl::StrCat("certificate ", place + 1, " of its chain");
  const int64_t begin = SecondsOf(X509_get0_notBefore(certificate));
  const int64_t end = SecondsOf(X509_get0_notAfter(certificate));
  if (now_s < begin)
    Add(Part::kCert, codes::kOutOfTime, absl::StrCat(who, " is not valid before ", TimeText(begin)),
        problems);
  if (now_s >= end)
    Add(Part::kCert, codes::kOutOfTime, absl::StrCat(who, " expired ", TimeText(end)), problems);
}

void AddOcsp(const PairText& text, const Chain& chain, int64_t now_s, CertificatePair& pair,
             MaterialProblems& problems) {
  if (!text.ocsp) return;
  const X509* issuer = chain.size() > 1 ? chain[1] : nullptr;
  const absl::StatusOr<OcspResponse> response = ReadOcsp(*text.ocsp, chain[0], issuer, now_s);
  if (response.ok()) {
    pair.ocsp_response_der = std::string(*text.ocsp);
    pair.ocsp_this_update_s = response->this_update_s;
    pair.ocsp_next_update_s = response->next_update_s;
    return;
  }
  problems.push_back({.part = Part::kOcsp,
                      .error = false,
                      .code = codes::kNotStapled,
                      .message = absl::StrCat(response.status().message(), "; it is not stapled")});
}

}  // namespace

std::optional<CertificatePair> ReadPair(const PairText& text, PairUse use, int64_t now_s,
                                        MaterialProblems& problems) {
  const absl::StatusOr<std::vector<bssl::UniquePtr<X509>>> certificates =
      ReadCertificates(text.cert);
  if (!certificates.ok())
    Add(Part::kCert, codes::kBadCertificate, std::string(certificates.status().message()),
        problems);
  const Key key = ReadKey(text.key, problems);
  if (!certificates.ok() || key == nullptr) return std::nullopt;
  size_t unused = 0;
  const Chain chain = ChainOf(*certificates, key.get(), unused);
  if (chain.empty()) {
    Add(Part::kKey, codes::kBadKey, "it is not the key of the certificate", problems);
    return std::nullopt;
  }
  const size_t before = problems.size();
  if (std::string why = WhyNoKeyOfWorkers(key.get()); !why.empty())
    Add(Part::kCert, codes::kBadCertificate, std::move(why), problems);
  if (chain.size() > kMaxChainCertificates)
    Add(Part::kCert, codes::kBadCertificate,
        absl::StrCat("its chain has more than ", kMaxChainCertificates, " certificates"), problems);
  CheckUse(const_cast<X509*>(chain[0]), use, problems);
  if (problems.size() > before) return std::nullopt;
  if (unused > 0)
    problems.push_back({.part = Part::kCert,
                        .error = false,
                        .code = codes::kUnusedCertificate,
                        .message = absl::StrCat(unused,
                                                " of its certificates did not sign it, and "
                                                "are not sent to anybody")});
  CertificatePair pair;
  for (size_t i = 0; i < chain.size(); ++i) {
    pair.chain_der.push_back(DerOf(chain[i]));
    CheckTime(chain[i], i, now_s, problems);
  }
  pair.key_der = MarshalKey(key.get());
  pair.facts = FactsOf(chain[0]);
  if (use.clients && pair.facts.dns_names.empty() && pair.facts.addresses.empty())
    problems.push_back({.part = Part::kCert,
                        .error = false,
                        .code = codes::kNoNames,
                        .message = "it has no alternative name, and a common name is none: clients "
                                   "that verify it refuse it",
                        .hint = "have one made with subjectAltName"});
  AddOcsp(text, chain, now_s, pair, problems);
  std::vector<std::string_view> parts(pair.chain_der.begin(), pair.chain_der.end());
  parts.insert(parts.end(), {pair.key_der, pair.ocsp_response_der});
  pair.id = ContentId(parts);
  return pair;
}

}  // namespace lb::controlplane
