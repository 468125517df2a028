// The TLS of rules as a snapshot says it: contexts for the data plane, made of material that is
// named by id. What has not changed is found again as the same object, so that one renewed
// certificate of thousands costs one. Threading: the control thread.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "dataplane/snapshot/tls_cache.h"

namespace lb::type::v1 {
class Snapshot;
}  // namespace lb::type::v1

namespace lb::dataplane {

struct Problem;

struct RuleTls {
  std::shared_ptr<const tls::ServerContext> server;   // nullptr: TLS is not ended.
  std::shared_ptr<const tls::ClientContext> backend;  // nullptr: backends are spoken to plainly.
};

// Makes the contexts of all rules that have TLS, by rule. The snapshot was checked (check_tls.h);
// material that does not parse is added to `problems`.
std::map<std::string, RuleTls> BuildTls(const lb::type::v1::Snapshot& snapshot, TlsCache& cache,
                                        std::vector<Problem>& problems);

}  // namespace lb::dataplane
