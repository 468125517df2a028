// The cluster's keys in force: those of the configuration, until orders change them. A value;
// threading: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "controlplane/membership/key_mark.h"
#include "controlplane/membership/serf_query.h"

namespace lb::controlplane::swim {

class OrderedKeys final {
 public:
  // What outlives a restart: keys that orders made of the configured ones, which are known again by
  // the digest. No keys: nothing was ordered.
  struct Stored {
    std::string configured_digest{};
    std::vector<std::string> keys{};
  };

  // Kept until the configuration is known, and dropped where it has other keys then. What is no
  // good ring counts as nothing.
  void Restore(Stored stored);
  Stored ToStore() const;

  // Good keys (KeyRing::Make) of the configuration; none: the cluster is open. True: what was
  // ordered is dropped, since they are others than they were.
  bool SetConfigured(const std::vector<std::string>& keys);
  // There is no cluster any more. True: as above.
  bool Clear();

  // Adds a key, makes it the one that seals, or removes it; a key that is there already, or not
  // there any more, is no error. InvalidArgument: of another length than 16, 24 or 32 bytes.
  // NotFound: to be used without being there. FailedPrecondition: the key that seals is not
  // removed; an open cluster has no keys. ResourceExhausted: there are KeyRing::kMaxKeys.
  absl::Status CarryOut(KeyVerb verb, const std::string& key);
  // What CarryOut would say.
  absl::Status Check(KeyVerb verb, const std::string& key) const;

  // The first seals.
  const std::vector<std::string>& keys() const { return keys_; }
  // Whether they are others than the configuration's.
  bool differ() const { return keys_ != configured_; }
  std::vector<KeyMark> Marks() const;

 private:
  bool Has(const std::string& key) const;

  std::vector<std::string> configured_;
  std::vector<std::string> keys_;
  Stored restored_;
};

}  // namespace lb::controlplane::swim
