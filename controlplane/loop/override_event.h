// The event of a backend's override, whoever sets it. Threading: none.
#pragma once

#include <string>

#include "controlplane/loop/parts.h"

namespace lb::controlplane {

// Tells that `after` is set for a backend, or for all addresses of a DNS name, in place of
// `before`, as "ready, weight 10 -> drained, weight 10".
void EmitOverride(const BackendKey& backend, const Override& before, const Override& after,
                  const std::string& author, const Parts& parts, Turn& turn);

}  // namespace lb::controlplane
