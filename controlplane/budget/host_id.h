// Hosts and limits by number, for hosts that tell each other of them. Pure; threading: none.
#pragma once

#include <cstdint>
#include <string_view>

#include "controlplane/snapshot/backend_key.h"

namespace lb::controlplane {

using HostId = uint64_t;
using LimitId = uint64_t;

inline constexpr uint64_t kFnvStart = 14'695'981'039'346'656'037u;

// FNV-1a, 64 bits (Fowler, Noll, Vo).
inline uint64_t Fnv1a(std::string_view bytes, uint64_t hash = kFnvStart) {
  for (const char byte : bytes) hash = (hash ^ static_cast<uint8_t>(byte)) * 1'099'511'628'211u;
  return hash;
}

// The same on every host, for the same name.
inline HostId IdOfHost(std::string_view name) { return Fnv1a(name); }
inline LimitId IdOfLimit(const BackendKey& key) {
  return Fnv1a(key.backend, Fnv1a({"\0", 1}, Fnv1a(key.rule)));
}

}  // namespace lb::controlplane
