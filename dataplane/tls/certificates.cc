#include "dataplane/tls/certificates.h"

#include <openssl/bytestring.h>
#include <openssl/nid.h>

#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace lb::dataplane::tls {
namespace {

// True when the client says that it can check signatures of this scheme (RFC 8446 section 4.2.3).
bool Checks(const SSL_CLIENT_HELLO& hello, uint16_t wanted) {
  const uint8_t* data = nullptr;
  size_t bytes = 0;
  if (SSL_early_callback_ctx_extension_get(&hello, TLSEXT_TYPE_signature_algorithms, &data,
                                           &bytes) != 1)
    return false;
  CBS extension;
  CBS schemes;
  CBS_init(&extension, data, bytes);
  if (CBS_get_u16_length_prefixed(&extension, &schemes) != 1) return false;
  uint16_t scheme = 0;
  while (CBS_get_u16(&schemes, &scheme) == 1)
    if (scheme == wanted) return true;
  return false;
}

// True when it offers a suite that an ECDSA certificate can serve: those of TLS 1.3 go with any
// kind of key, those of TLS 1.2 name theirs.
bool HasEcdsaSuite(const SSL_CLIENT_HELLO& hello) {
  CBS suites;
  CBS_init(&suites, hello.cipher_suites, hello.cipher_suites_len);
  uint16_t value = 0;
  while (CBS_get_u16(&suites, &value) == 1) {
    const SSL_CIPHER* const suite = SSL_get_cipher_by_value(value);
    if (suite == nullptr) continue;
    const int key = SSL_CIPHER_get_auth_nid(suite);
    if (key == NID_auth_ecdsa || key == NID_auth_any) return true;
  }
  return false;
}

}  // namespace

Certificates::Certificates(std::vector<std::shared_ptr<const Pair>> pairs)
    : pairs_(std::move(pairs)) {
  LB_CHECK(!pairs_.empty());
  for (const auto& pair : pairs_)
    for (const std::string& name : pair->names) Add(name, pair.get());
  const Pair* const first = pairs_.front().get();
  (first->ecdsa_scheme != 0 ? default_.ecdsa : default_.rsa) = first;
  // One of the same name and the other kind of key serves who cannot check the default.
  for (const std::string& name : first->names) {
    const Named& named = by_name_[name];
    if (default_.ecdsa == nullptr) default_.ecdsa = named.ecdsa;
    if (default_.rsa == nullptr) default_.rsa = named.rsa;
  }
}

// The first one of a name and a kind stays: as in the configuration, what is above goes first.
void Certificates::Add(const std::string& name, const Pair* pair) {
  Named& named = by_name_[name];
  const Pair*& place = pair->ecdsa_scheme != 0 ? named.ecdsa : named.rsa;
  if (place == nullptr) place = pair;
}

const Certificates::Named* Certificates::Find(std::string_view name) const {
  const auto it = by_name_.find(absl::string_view(name.data(), name.size()));
  return it == by_name_.end() ? nullptr : &it->second;
}

const Certificates::Named* Certificates::FindAny(std::string_view name) const {
  std::string wanted = absl::AsciiStrToLower(absl::string_view(name.data(), name.size()));
  if (!wanted.empty() && wanted.back() == '.') wanted.pop_back();
  if (wanted.empty()) return nullptr;
  if (const Named* named = Find(wanted); named != nullptr) return named;
  const size_t dot = wanted.find('.');
  return dot == std::string::npos ? nullptr : Find(absl::StrCat("*", wanted.substr(dot)));
}

Certificates::Choice Certificates::Choose(std::string_view name,
                                          const SSL_CLIENT_HELLO& hello) const {
  const Named* named = FindAny(name);
  const bool by_name = named != nullptr;
  if (!by_name) named = &default_;
  const Pair* pair = named->ecdsa != nullptr ? named->ecdsa : named->rsa;
  if (named->ecdsa != nullptr && named->rsa != nullptr &&
      !(HasEcdsaSuite(hello) && Checks(hello, pair->ecdsa_scheme)))
    pair = named->rsa;
  return {pair, by_name};
}

}  // namespace lb::dataplane::tls
