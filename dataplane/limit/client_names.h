// Clients that are known by a name instead of an address, to limits that count by one word: what a
// name is there, and the names of those that were seen of late. Threading: any.
#pragma once

#include <array>
#include <cstddef>
#include <string>
#include <string_view>

#include "absl/container/flat_hash_map.h"
#include "base/mutex.h"
#include "dataplane/limit/client_prefix.h"

namespace lb::dataplane {

class ClientNames final {
 public:
  // Names that are kept, at most; another one takes the place of any.
  static constexpr size_t kMaxNames = 16'384;

  // The client of this name: 63 bits of its SHA-256, so the same on all workers, and nobody finds a
  // name that meets another one's.
  static ClientPrefix Of(std::string_view name);

  // Keeps the name of this client.
  void Note(ClientPrefix client, std::string_view name);

  // Its name, or "#" and its number in hexadecimal when it is not kept.
  std::string NameOf(ClientPrefix client) const;

 private:
  static constexpr size_t kShards = 64;
  struct Shard {
    mutable Mutex mutex;
    absl::flat_hash_map<ClientPrefix, std::string> names ABSL_GUARDED_BY(mutex);
  };

  std::array<Shard, kShards> shards_;
};

}  // namespace lb::dataplane
