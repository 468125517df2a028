#include "controlplane/membership/key_ring.h"

#include <openssl/aead.h>

#include <algorithm>
#include <utility>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace lb::controlplane::swim {
namespace {

// The only way of sealing that members of today speak; the one before padded to a block.
constexpr char kVersion = 1;

const EVP_AEAD* AeadOfKey(size_t key_bytes) {
  switch (key_bytes) {
    case 16:
      return EVP_aead_aes_128_gcm();
    case 24:
      return EVP_aead_aes_192_gcm();
    case 32:
      return EVP_aead_aes_256_gcm();
    default:
      return nullptr;
  }
}

const uint8_t* Data(std::string_view bytes) {
  return reinterpret_cast<const uint8_t*>(bytes.data());
}

uint8_t* Data(std::string& bytes) { return reinterpret_cast<uint8_t*>(bytes.data()); }

}  // namespace

// The keys as BoringSSL wants them; it wipes them as it frees them. The first one seals.
class KeyRing::Keys final {
 public:
  void Add(const EVP_AEAD* aead, std::string_view key) {
    contexts_.emplace_back(EVP_AEAD_CTX_new(aead, Data(key), key.size(), kTagBytes));
    LB_CHECK(contexts_.back() != nullptr);
  }

  const EVP_AEAD_CTX& first() const { return *contexts_.front(); }
  const std::vector<bssl::UniquePtr<EVP_AEAD_CTX>>& all() const { return contexts_; }

 private:
  std::vector<bssl::UniquePtr<EVP_AEAD_CTX>> contexts_;
};

absl::StatusOr<KeyRing> KeyRing::Make(const std::vector<std::string>& keys) {
  if (keys.size() > kMaxKeys) {
    return absl::InvalidArgumentError(
        absl::StrCat(keys.size(), " keys, more than the ", kMaxKeys, " that can be used"));
  }
  KeyRing ring;
  if (keys.empty()) return ring;
  auto contexts = std::make_shared<Keys>();
  for (auto key = keys.begin(); key != keys.end(); ++key) {
    const auto place = key - keys.begin() + 1;
    const EVP_AEAD* aead = AeadOfKey(key->size());
    if (aead == nullptr) {
      return absl::InvalidArgumentError(
          absl::StrCat("key ", place, " has ", key->size(), " bytes, not 16, 24 or 32"));
    }
    if (const auto same = std::find(keys.begin(), key, *key); same != key) {
      return absl::InvalidArgumentError(
          absl::StrCat("key ", place, " is the same as key ", same - keys.begin() + 1));
    }
    contexts->Add(aead, *key);
  }
  ring.keys_ = std::move(contexts);
  return ring;
}

std::string KeyRing::Seal(const Nonce& nonce, std::string_view plaintext,
                          std::string_view aad) const {
  LB_CHECK(!empty());
  std::string sealed(kOverhead + plaintext.size(), '\0');
  sealed[0] = kVersion;
  std::copy(nonce.begin(), nonce.end(), sealed.begin() + 1);
  constexpr size_t kBegin = 1 + kNonceBytes;
  size_t length = 0;
  const int done = EVP_AEAD_CTX_seal(&keys_->first(), Data(sealed) + kBegin, &length,
                                     sealed.size() - kBegin, nonce.data(), nonce.size(),
                                     Data(plaintext), plaintext.size(), Data(aad), aad.size());
  LB_CHECK(done == 1 && kBegin + length == sealed.size());
  return sealed;
}

std::optional<std::string> KeyRing::Open(std::string_view sealed, std::string_view aad) const {
  if (empty() || sealed.size() < kOverhead || sealed[0] != kVersion) return std::nullopt;
  const std::string_view nonce = sealed.substr(1, kNonceBytes);
  const std::string_view body = sealed.substr(1 + kNonceBytes);
  std::string plaintext(body.size(), '\0');
  for (const auto& context : keys_->all()) {
    size_t length = 0;
    const int done =
        EVP_AEAD_CTX_open(context.get(), Data(plaintext), &length, plaintext.size(), Data(nonce),
                          nonce.size(), Data(body), body.size(), Data(aad), aad.size());
    if (done != 1) continue;
    plaintext.resize(length);
    return plaintext;
  }
  return std::nullopt;
}

}  // namespace lb::controlplane::swim
