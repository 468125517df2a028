// FNV-1a (Fowler, Noll, Vo): a hash that is the same on every machine and in every release. Not for
// secrets, nor against anybody who looks for collisions. Pure; threading: none.
#pragma once

#include <cstdint>
#include <string_view>

namespace lb {

inline constexpr uint64_t kFnvStart = 14'695'981'039'346'656'037u;

// 64 bits. `hash` is that of the bytes before, if there are some.
inline uint64_t Fnv1a(std::string_view bytes, uint64_t hash = kFnvStart) {
  for (const char byte : bytes) hash = (hash ^ static_cast<uint8_t>(byte)) * 1'099'511'628'211u;
  return hash;
}

}  // namespace lb
