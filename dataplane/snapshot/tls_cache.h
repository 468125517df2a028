// TLS objects that outlive a snapshot, by what they were made of: what the next snapshot says again
// is the same object, not made anew. Threading: the control thread.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "dataplane/tls/client_context.h"
#include "dataplane/tls/server_context.h"

namespace lb::dataplane {

// Objects that some table still uses, by what they were made of.
template <typename Object>
class WeakMap final {
 public:
  std::shared_ptr<const Object> Find(const std::string& key) const {
    const auto it = objects_.find(key);
    return it == objects_.end() ? nullptr : it->second.lock();
  }
  void Keep(const std::string& key, const std::shared_ptr<const Object>& object) {
    objects_[key] = object;
  }
  // Forgets those that nobody uses any more.
  void Prune() {
    std::erase_if(objects_, [](const auto& entry) { return entry.second.expired(); });
  }

 private:
  std::map<std::string, std::weak_ptr<const Object>> objects_;
};

// What outlives a snapshot.
struct TlsCache {
  std::shared_ptr<tls::TicketKeys> ticket_keys = std::make_shared<tls::TicketKeys>();
  WeakMap<tls::Pair> pairs;
  WeakMap<tls::Trust> trusts;
  WeakMap<tls::Certificates> certificates;
  WeakMap<tls::ServerContext> servers;
  WeakMap<tls::ClientContext> clients;
};

}  // namespace lb::dataplane
