// Rules by number, for hosts that tell each other of them. Pure; threading: none.
#pragma once

#include <cstdint>
#include <string_view>

namespace lb::controlplane {

// The same on every host, for the same name. FNV-1a, 32 bits (Fowler, Noll, Vo).
inline uint32_t HashOfRule(std::string_view rule) {
  uint32_t hash = 2'166'136'261u;
  for (const char byte : rule) hash = (hash ^ static_cast<uint8_t>(byte)) * 16'777'619u;
  return hash;
}

}  // namespace lb::controlplane
