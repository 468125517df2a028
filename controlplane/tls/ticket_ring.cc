#include "controlplane/tls/ticket_ring.h"

#include <openssl/mem.h>

#include <algorithm>
#include <utility>

#include "base/check.h"
#include "base/sha256.h"

namespace lb::controlplane {

void WipeSecret(std::string& secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

TicketRing::TicketRing(std::string seed) : secret_(std::move(seed)) {
  LB_CHECK(secret_.empty() || secret_.size() == kSeedBytes);
  keys_.reserve(kMaxKeys + 1);
}

// Each value is the HMAC of what it is for, as in HKDF's expand step (RFC 5869 section 2.3).
void TicketRing::Make(Instant now) {
  LB_CHECK(can_make());
  Adopt({HmacSha256(secret_, "ticket key name").substr(0, TicketKey::kNameBytes),
         HmacSha256(secret_, "ticket key"), now});
  std::string next = HmacSha256(secret_, "next secret");
  WipeSecret(secret_);
  secret_ = std::move(next);
}

bool TicketRing::Adopt(const TicketKey& key) {
  LB_CHECK(key.name.size() == TicketKey::kNameBytes);
  LB_CHECK(key.secret.size() == TicketKey::kSecretBytes);
  const auto known = std::find_if(keys_.begin(), keys_.end(),
                                  [&](const TicketKey& have) { return have.name == key.name; });
  if (known != keys_.end()) {
    known->made = std::min(known->made, key.made);
    Sort();
    return false;
  }
  if (std::find(expired_.begin(), expired_.end(), key.name) != expired_.end()) return false;
  keys_.push_back(key);
  Sort();
  if (keys_.size() <= kMaxKeys) return true;
  const bool is_gone = keys_.back().name == key.name;
  keys_.pop_back();
  return !is_gone;
}

bool TicketRing::Expire(Instant now) {
  const size_t before = keys_.size();
  for (; !keys_.empty() && now - keys_.back().made >= kOpensFor; keys_.pop_back())
    expired_.push_back(keys_.back().name);
  while (expired_.size() > kMaxExpired) expired_.pop_front();
  return keys_.size() < before;
}

const TicketKey* TicketRing::Find(const std::string& name) const {
  for (const TicketKey& key : keys_)
    if (key.name == name) return &key;
  return nullptr;
}

void TicketRing::Sort() {
  std::sort(keys_.begin(), keys_.end(), [](const TicketKey& a, const TicketKey& b) {
    return a.made != b.made ? a.made > b.made : a.name < b.name;
  });
}

}  // namespace lb::controlplane
