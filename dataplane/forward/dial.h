// Begins a connect to a backend, from a source address that still has a port.
//
// Two TCP connections to the same backend need two local ports; one source address has about 28,000
// (ip(7), ip_local_port_range). A rule may name several: each connect starts with another one, and
// goes on to the next where the kernel finds no port. Threading: none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "base/endpoint.h"
#include "base/unique_fd.h"
#include "dataplane/snapshot/live_state.h"

namespace lb::dataplane {

struct Dialed {
  UniqueFd fd;                                      // Valid unless it failed.
  bool connected = false;                           // At once; else a writable event will say.
  ConnectFailure failure = ConnectFailure::kOther;  // When it failed.
  uint32_t ports_exhausted = 0;                     // Source addresses without a free port.
};

// Tries the sources of the backend's address family once each, from number `turn` on (modulo their
// count); without one, the kernel chooses.
Dialed DialFromSources(const SocketAddress& backend, const std::vector<SocketAddress>& sources,
                       size_t turn);

}  // namespace lb::dataplane
