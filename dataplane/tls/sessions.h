// Sessions of backends, so that the next connection to one need not begin anew. Bounded: the oldest
// go first. Threading: any; one lock, taken for moments.
#pragma once

#include <openssl/ssl.h>

#include <cstdint>
#include <list>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "base/mutex.h"

namespace lb::dataplane::tls {

class Sessions final {
 public:
  static constexpr size_t kMaxSessions = 4'096;
  static constexpr size_t kMaxPerPeer = 32;  // Of one name of one backend.

  // Keeps it for `peer`: a backend and the name that was asked of it. `end_s` is when the backend's
  // certificate expires, in seconds since the epoch.
  void Put(const std::string& peer, bssl::UniquePtr<SSL_SESSION> session, int64_t end_s);

  // The newest for `peer` that is still good at `now_s`; nullptr: none. One of TLS 1.3 is given
  // once only (RFC 8446 appendix C.4).
  bssl::UniquePtr<SSL_SESSION> Take(const std::string& peer, int64_t now_s);

 private:
  struct Kept {
    std::string peer;
    bssl::UniquePtr<SSL_SESSION> session;
    int64_t end_s = 0;
  };
  using List = std::list<Kept>;

  void Drop(List::iterator kept) ABSL_EXCLUSIVE_LOCKS_REQUIRED(mutex_);

  Mutex mutex_;
  List by_age_ ABSL_GUARDED_BY(mutex_);  // The newest first.
  absl::flat_hash_map<std::string, std::list<List::iterator>> by_peer_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lb::dataplane::tls
