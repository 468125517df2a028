#include "controlplane/tls/ticket_ring.h"

#include <openssl/mem.h>

#include <utility>

#include "base/check.h"
#include "base/sha256.h"

namespace lb::controlplane {
namespace {

constexpr size_t kNameBytes = 16;

void Wipe(std::string& secret) { OPENSSL_cleanse(secret.data(), secret.size()); }

}  // namespace

TicketRing::TicketRing(std::string seed, Instant now) : secret_(std::move(seed)), rotated_(now) {
  LB_CHECK(secret_.empty() || secret_.size() == kSeedBytes);
  if (!secret_.empty()) Make();
}

TicketRing::~TicketRing() {
  Wipe(secret_);
  for (Key& key : keys_) Wipe(key.secret);
}

bool TicketRing::Rotate(Instant now) {
  if (now < NextDeadline()) return false;
  rotated_ = now;
  Make();
  return true;
}

Instant TicketRing::NextDeadline() const {
  return keys_.empty() ? Instant::max() : rotated_ + kRotateEvery;
}

worker::v1::TicketKeys TicketRing::Keys() const {
  worker::v1::TicketKeys keys;
  for (const Key& key : keys_) {
    worker::v1::TicketKeys::Key& to = *keys.add_keys();
    to.set_name(key.name);
    to.set_secret(key.secret);
  }
  return keys;
}

// Each value is the HMAC of what it is for, as in HKDF's expand step (RFC 5869 section 2.3).
void TicketRing::Make() {
  keys_.push_front({HmacSha256(secret_, "ticket key name").substr(0, kNameBytes),
                    HmacSha256(secret_, "ticket key")});
  std::string next = HmacSha256(secret_, "next secret");
  Wipe(secret_);
  secret_ = std::move(next);
  if (keys_.size() <= 1 + kOldKeys) return;
  Wipe(keys_.back().secret);
  keys_.pop_back();
}

}  // namespace lb::controlplane
