// Where workers of one host find each other: a unix socket for each beside the worker API, named
// after it, "/run/lb/worker-ID.handover" for "unix:/run/lb/worker.sock". Threading: none.
#pragma once

#include <string>
#include <vector>

#include "base/endpoint.h"

namespace lb::dataplane {

// For a control plane behind TCP: in kRunFolder, "worker-ID.handover".
std::string HandoverPath(const Endpoint& control, const std::string& id);

// The paths of the other workers of this control plane that are there, sorted; at most
// kMaxNeighbours. Reads the folder; none when it cannot be read.
inline constexpr size_t kMaxNeighbours = 64;
std::vector<std::string> NeighbourPaths(const Endpoint& control, const std::string& id);

}  // namespace lb::dataplane
