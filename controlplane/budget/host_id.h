// Hosts and limits by number, for hosts that tell each other of them. Pure; threading: none.
#pragma once

#include <cstdint>
#include <string_view>

#include "base/fnv.h"
#include "controlplane/snapshot/backend_key.h"

namespace lb::controlplane {

using HostId = uint64_t;
using LimitId = uint64_t;

// The same on every host, for the same name.
inline HostId IdOfHost(std::string_view name) { return Fnv1a(name); }
inline LimitId IdOfLimit(const BackendKey& key) {
  return Fnv1a(key.backend, Fnv1a({"\0", 1}, Fnv1a(key.rule)));
}

}  // namespace lb::controlplane
