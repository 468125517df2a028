// The texts of clients that a limit knows by a word: identities of certificates. Bounded.
// Threading: any.
#pragma once

#include <cstdint>
#include <string>

#include "absl/container/flat_hash_map.h"
#include "base/mutex.h"

namespace lb::dataplane {

class ClientNames final {
 public:
  static constexpr size_t kMaxNames = 65'536;

  // Keeps the name of a client. When there is no room for a new one, all others are forgotten:
  // those that come again are kept again.
  void Note(uint64_t client, const std::string& name) {
    const MutexLock lock(mutex_);
    if (names_.contains(client)) return;
    if (names_.size() >= kMaxNames) names_.clear();
    names_.emplace(client, name);
  }

  // Its name; "" when it is not known.
  std::string Find(uint64_t client) const {
    const MutexLock lock(mutex_);
    const auto it = names_.find(client);
    return it == names_.end() ? "" : it->second;
  }

 private:
  mutable Mutex mutex_;
  absl::flat_hash_map<uint64_t, std::string> names_ ABSL_GUARDED_BY(mutex_);
};

}  // namespace lb::dataplane
