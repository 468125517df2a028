// The hashes that send a client to a backend: the same on every thread, worker and host, for ever,
// or a restart would move every client. Not for secrets. Pure; threading: none.
#pragma once

#include <cstdint>
#include <string_view>

namespace lb {
struct SocketAddress;
}  // namespace lb

namespace lb::dataplane {

// Mixes 64 bits so that any change of the input changes half of the output.
// Source: SplitMix64's finaliser, Steele, Lea, Flood, OOPSLA 2014.
constexpr uint64_t Mix(uint64_t bits) {
  bits += 0x9e3779b97f4a7c15u;
  bits = (bits ^ (bits >> 30)) * 0xbf58476d1ce4e5b9u;
  bits = (bits ^ (bits >> 27)) * 0x94d049bb133111ebu;
  return bits ^ (bits >> 31);
}

// Returns a number from 0 to bound - 1 that follows `hash`, which is uniform.
// Source: Lemire, "Fast random integer generation in an interval", 2019.
constexpr uint64_t Reduce(uint64_t hash, uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>((static_cast<Wide>(hash) * bound) >> 64);
}

// The hash of a backend's name; another `salt` gives an independent one.
uint64_t HashOfName(std::string_view name, uint64_t salt);

// The salts in use, each for its own purpose.
inline constexpr uint64_t kMaglevOffsetSalt = 1;
inline constexpr uint64_t kMaglevSkipSalt = 2;
inline constexpr uint64_t kRingSalt = 3;
inline constexpr uint64_t kRendezvousSalt = 4;

// The hash of a client: its address without the port. An IPv4 address has the hash of the IPv6
// address that it is mapped to (RFC 4291, 2.5.5.2). 0 for other families and a length of 0.
uint64_t HashOfClient(const SocketAddress& client);

}  // namespace lb::dataplane
