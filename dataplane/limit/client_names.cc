#include "dataplane/limit/client_names.h"

#include "absl/strings/str_cat.h"
#include "base/sha256.h"

namespace lb::dataplane {

ClientPrefix ClientNames::Of(std::string_view name) {
  const std::string digest = Sha256(name);
  ClientPrefix client = 0;
  for (size_t i = 0; i < sizeof client; ++i)
    client = client << 8 | static_cast<unsigned char>(digest[i]);
  return client >> 1;  // The greatest word is nobody's, see ClientTable::Entry.
}

void ClientNames::Note(ClientPrefix client, std::string_view name) {
  Shard& shard = shards_[client % kShards];
  const MutexLock lock(shard.mutex);
  if (shard.names.contains(client)) return;
  if (shard.names.size() >= kMaxNames / kShards) shard.names.erase(shard.names.begin());
  shard.names.emplace(client, name);
}

std::string ClientNames::NameOf(ClientPrefix client) const {
  const Shard& shard = shards_[client % kShards];
  const MutexLock lock(shard.mutex);
  const auto known = shard.names.find(client);
  if (known != shard.names.end()) return known->second;
  return absl::StrCat("#", absl::Hex(client, absl::kZeroPad16));
}

}  // namespace lb::dataplane
