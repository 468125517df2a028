#include "dataplane/tls/ticket_keys.h"

#include <openssl/aead.h>
#include <openssl/digest.h>
#include <openssl/err.h>
#include <openssl/hkdf.h>
#include <openssl/mem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>

#include <algorithm>
#include <cstring>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "dataplane/tls/wall.h"

namespace lb::dataplane::tls {
namespace {

// A ticket is: the key's name, when it ends to be worth anything (seconds since the epoch, 8 bytes,
// 0 for never), a nonce, and the sealed session. The first two are authenticated.
constexpr size_t kEndBytes = 8;
constexpr size_t kNonceBytes = 12;  // RFC 5116 section 5.1.
constexpr size_t kPlainBytes = TicketKey::kNameBytes + kEndBytes;
constexpr size_t kHeaderBytes = kPlainBytes + kNonceBytes;

const EVP_AEAD* Aead() { return EVP_aead_aes_256_gcm(); }

// One with the rule's own secret: HKDF (RFC 5869) of the shared one.
TicketKey Derive(const TicketKey& shared, const std::string& binding) {
  TicketKey key = shared;
  LB_CHECK(HKDF(key.secret.data(), key.secret.size(), EVP_sha256(), shared.secret.data(),
                shared.secret.size(), shared.name.data(), shared.name.size(),
                reinterpret_cast<const uint8_t*>(binding.data()), binding.size()) == 1);
  return key;
}

// When the certificate that the client showed expires; 0: it showed none.
uint64_t EndOfClient(const SSL* ssl) {
  const bssl::UniquePtr<X509> certificate(SSL_get_peer_certificate(ssl));
  if (certificate == nullptr) return 0;
  return static_cast<uint64_t>(
      std::max<int64_t>(SecondsOf(X509_get0_notAfter(certificate.get())), 1));
}

}  // namespace

TicketKey::~TicketKey() { OPENSSL_cleanse(secret.data(), secret.size()); }

TicketKeys::TicketKeys() {
  TicketKey key;
  RAND_bytes(key.name.data(), key.name.size());
  RAND_bytes(key.secret.data(), key.secret.size());
  keys_ = std::make_shared<const TicketKeySet>(TicketKeySet{key});
}

absl::Status TicketKeys::Set(
    const std::vector<std::pair<std::string, std::string>>& names_and_secrets) {
  if (names_and_secrets.empty() || names_and_secrets.size() > kMaxTicketKeys)
    return absl::InvalidArgumentError(
        absl::StrCat(names_and_secrets.size(), " ticket keys are not in 1..", kMaxTicketKeys));
  TicketKeySet keys;
  for (const auto& [name, secret] : names_and_secrets) {
    if (name.size() != TicketKey::kNameBytes || secret.size() != TicketKey::kSecretBytes)
      return absl::InvalidArgumentError(
          absl::StrCat("a ticket key of ", name.size(), " and ", secret.size(), " bytes, not ",
                       TicketKey::kNameBytes, " and ", TicketKey::kSecretBytes));
    TicketKey& key = keys.emplace_back();
    std::memcpy(key.name.data(), name.data(), name.size());
    std::memcpy(key.secret.data(), secret.data(), secret.size());
  }
  const MutexLock lock(mutex_);
  const TicketKey& newest = keys_->front();
  const bool known = std::any_of(keys.begin(), keys.end(),
                                 [&](const TicketKey& key) { return key.name == newest.name; });
  if (!known) keys.push_back(newest);
  keys_ = std::make_shared<const TicketKeySet>(std::move(keys));
  return absl::OkStatus();
}

std::shared_ptr<const TicketKeySet> TicketKeys::Get() const {
  const MutexLock lock(mutex_);
  return keys_;
}

void TicketSealer::Install(SSL_CTX* context) {
  static const SSL_TICKET_AEAD_METHOD method = {MaxOverhead, Seal, Open};
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_ticket_aead_method(context, &method);
}

TicketSealer& TicketSealer::Of(SSL* ssl) {
  return *static_cast<TicketSealer*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
}

std::shared_ptr<const TicketKeySet> TicketSealer::Derived() {
  std::shared_ptr<const TicketKeySet> shared = keys_->Get();
  const MutexLock lock(mutex_);
  if (shared != shared_) {
    TicketKeySet derived;
    for (const TicketKey& key : *shared) derived.push_back(Derive(key, binding_));
    derived_ = std::make_shared<const TicketKeySet>(std::move(derived));
    shared_ = std::move(shared);
  }
  return derived_;
}

size_t TicketSealer::MaxOverhead(SSL*) { return kHeaderBytes + EVP_AEAD_max_overhead(Aead()); }

int TicketSealer::Seal(SSL* ssl, uint8_t* out, size_t* out_bytes, size_t max_bytes,
                       const uint8_t* in, size_t in_bytes) {
  if (max_bytes < kHeaderBytes) return 0;
  const std::shared_ptr<const TicketKeySet> keys = Of(ssl).Derived();
  const TicketKey& key = keys->front();
  std::array<uint8_t, kHeaderBytes> header{};
  std::memcpy(header.data(), key.name.data(), key.name.size());
  const uint64_t end_s = EndOfClient(ssl);
  for (size_t i = 0; i < kEndBytes; ++i)
    header[TicketKey::kNameBytes + i] = static_cast<uint8_t>(end_s >> (8 * (kEndBytes - 1 - i)));
  RAND_bytes(header.data() + kPlainBytes, kNonceBytes);
  bssl::ScopedEVP_AEAD_CTX aead;
  EVP_AEAD_CTX* const context = aead.get();
  if (EVP_AEAD_CTX_init(context, Aead(), key.secret.data(), key.secret.size(),
                        EVP_AEAD_DEFAULT_TAG_LENGTH, nullptr) != 1)
    return 0;
  size_t sealed = 0;
  // `in` and `out` may be the same memory, which the header must not overwrite before it is sealed.
  std::vector<uint8_t> session(in, in + in_bytes);
  const int done = EVP_AEAD_CTX_seal(context, out + kHeaderBytes, &sealed, max_bytes - kHeaderBytes,
                                     header.data() + kPlainBytes, kNonceBytes, session.data(),
                                     session.size(), header.data(), kPlainBytes);
  OPENSSL_cleanse(session.data(), session.size());
  if (done != 1) return 0;
  std::memcpy(out, header.data(), kHeaderBytes);
  *out_bytes = kHeaderBytes + sealed;
  return 1;
}

ssl_ticket_aead_result_t TicketSealer::Open(SSL* ssl, uint8_t* out, size_t* out_bytes,
                                            size_t max_bytes, const uint8_t* in, size_t in_bytes) {
  if (in_bytes < kHeaderBytes) return ssl_ticket_aead_ignore_ticket;
  const std::shared_ptr<const TicketKeySet> keys = Of(ssl).Derived();
  const auto key = std::find_if(keys->begin(), keys->end(), [&](const TicketKey& candidate) {
    return std::memcmp(candidate.name.data(), in, candidate.name.size()) == 0;
  });
  if (key == keys->end()) return ssl_ticket_aead_ignore_ticket;
  uint64_t end_s = 0;
  for (size_t i = 0; i < kEndBytes; ++i) end_s = end_s << 8 | in[TicketKey::kNameBytes + i];
  if (end_s != 0 && static_cast<uint64_t>(WallSeconds()) >= end_s)
    return ssl_ticket_aead_ignore_ticket;
  bssl::ScopedEVP_AEAD_CTX aead;
  EVP_AEAD_CTX* const context = aead.get();
  if (EVP_AEAD_CTX_init(context, Aead(), key->secret.data(), key->secret.size(),
                        EVP_AEAD_DEFAULT_TAG_LENGTH, nullptr) != 1)
    return ssl_ticket_aead_error;
  const std::vector<uint8_t> ticket(in, in + in_bytes);
  if (EVP_AEAD_CTX_open(context, out, out_bytes, max_bytes, ticket.data() + kPlainBytes,
                        kNonceBytes, ticket.data() + kHeaderBytes, in_bytes - kHeaderBytes,
                        ticket.data(), kPlainBytes) != 1) {
    // A ticket of another rule: no failure of this handshake, which SSL_get_error would make of it.
    ERR_clear_error();
    return ssl_ticket_aead_ignore_ticket;
  }
  return ssl_ticket_aead_success;
}

}  // namespace lb::dataplane::tls
