// The keys that workers seal TLS session tickets with (RFC 5077, RFC 8446 section 4.6.1): those
// that were made here, and those that other hosts told of. See SharedTickets for which one seals.
//
// Each key is made from a secret that is gone by then, replaced by the next one: who learns today's
// secret cannot open yesterday's tickets. Nothing of it is ever stored. After a restart there are
// other keys; workers go on opening with the newest of those before, so that the tickets of clients
// outlive it. Pure, the randomness is an argument; threading: none.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <vector>

#include "base/time.h"

namespace lb::controlplane {

// Overwrites what a string holds.
void WipeSecret(std::string& secret);

// A copy is wiped as the original is.
struct TicketKey {
  static constexpr size_t kNameBytes = 16;
  static constexpr size_t kSecretBytes = 32;

  std::string name;
  std::string secret;
  Instant made;

  ~TicketKey() { WipeSecret(secret); }
};

class TicketRing final {
 public:
  static constexpr size_t kSeedBytes = 32;
  // How long a key seals, and for how much longer it opens, in the time of one that seals.
  static constexpr std::chrono::hours kRotateEvery{8};
  static constexpr int kOldKeys = 2;
  static constexpr std::chrono::hours kOpensFor = kRotateEvery * (1 + kOldKeys);
  // One a rotation, and some of hosts that were alone for a while; workers take more.
  static constexpr size_t kMaxKeys = 12;
  // Names of keys that open no more, of which a word that was held up must make none young again.
  static constexpr size_t kMaxExpired = 64;

  // Without keys. `seed` is random bytes that nobody else knows; with an empty one none can be
  // made.
  explicit TicketRing(std::string seed);
  TicketRing(const TicketRing&) = delete;
  TicketRing& operator=(const TicketRing&) = delete;
  ~TicketRing() { WipeSecret(secret_); }

  bool can_make() const { return !secret_.empty(); }
  // Makes a new key; can_make().
  void Make(Instant now);
  // Takes a key of another host; true when it is a new one. Of one that is known the greater age
  // counts: what was told was on its way for a while. One that expired here does not come back. One
  // too many: the oldest goes.
  bool Adopt(const TicketKey& key);
  // Wipes those that open no more; true when there were any.
  bool Expire(Instant now);

  bool empty() const { return keys_.empty(); }
  // Newest first; of the same age by name.
  const std::vector<TicketKey>& keys() const { return keys_; }
  // Null: it is not among them.
  const TicketKey* Find(const std::string& name) const;

 private:
  void Sort();

  std::string secret_;  // Of the next key.
  std::vector<TicketKey> keys_;
  std::deque<std::string> expired_;  // Names, the last one last.
};

}  // namespace lb::controlplane
