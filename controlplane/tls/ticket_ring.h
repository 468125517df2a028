// The keys that workers seal TLS session tickets with (RFC 5077, RFC 8446 section 4.6.1): a new one
// every few hours, and the last old ones, which still open.
//
// Each key is made from the secret that made the one before it, which is gone by then: who learns
// today's secret cannot open yesterday's tickets. Nothing of it is ever stored. After a restart
// there are other keys; workers go on opening with the newest of those before, so that the tickets
// of clients outlive it. Pure, the randomness is an argument; threading: none.
#pragma once

#include <chrono>
#include <cstddef>
#include <deque>
#include <string>
#include <string_view>

#include "base/time.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

class TicketRing final {
 public:
  static constexpr size_t kSeedBytes = 32;
  static constexpr std::chrono::hours kRotateEvery{8};
  static constexpr size_t kOldKeys = 2;  // That still open.

  // Begins with one key made of `seed`, random bytes that nobody else knows. With an empty one
  // there are never any keys, and each worker makes its own.
  TicketRing(std::string seed, Instant now);
  TicketRing(const TicketRing&) = delete;
  TicketRing& operator=(const TicketRing&) = delete;
  ~TicketRing();  // Wipes all.

  // Makes a new key when it is time; true when the keys changed.
  bool Rotate(Instant now);
  // When that is next; Instant::max() without keys.
  Instant NextDeadline() const;

  bool empty() const { return keys_.empty(); }
  // What workers are sent. Never log it.
  worker::v1::TicketKeys Keys() const;

 private:
  struct Key {
    std::string name;
    std::string secret;
  };

  void Make();

  std::string secret_;    // Of the next key.
  std::deque<Key> keys_;  // Newest first.
  Instant rotated_;
};

}  // namespace lb::controlplane
