#include "controlplane/config/cluster_config.h"

namespace lb::controlplane {

bool IsAnyAddress(const Endpoint& endpoint) {
  return endpoint.kind() == Endpoint::Kind::kIp &&
         (endpoint.host() == "0.0.0.0" || endpoint.host() == "::");
}

}  // namespace lb::controlplane
