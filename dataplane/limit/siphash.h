// SipHash-2-4 of one 64-bit word: a keyed hash whose results nobody can foresee without the key, so
// that nobody can choose addresses that meet in one place of a table.
//
// Source: Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012. Pure; threading: none.
#pragma once

#include <bit>
#include <cstdint>

namespace lb::dataplane {

// 128 random bits.
struct SipKey {
  uint64_t k0 = 0;
  uint64_t k1 = 0;
};

namespace siphash_internal {

struct State {
  uint64_t v0, v1, v2, v3;

  void Round() {
    v0 += v1;
    v1 = std::rotl(v1, 13) ^ v0;
    v0 = std::rotl(v0, 32);
    v2 += v3;
    v3 = std::rotl(v3, 16) ^ v2;
    v0 += v3;
    v3 = std::rotl(v3, 21) ^ v0;
    v2 += v1;
    v1 = std::rotl(v1, 17) ^ v2;
    v2 = std::rotl(v2, 32);
  }
  // Takes one word of the message.
  void Mix(uint64_t word) {
    v3 ^= word;
    Round();
    Round();
    v0 ^= word;
  }
};

}  // namespace siphash_internal

// The hash of the word's eight bytes, least significant first.
inline uint64_t SipHash(const SipKey& key, uint64_t word) {
  siphash_internal::State state{key.k0 ^ 0x736f6d6570736575, key.k1 ^ 0x646f72616e646f6d,
                                key.k0 ^ 0x6c7967656e657261, key.k1 ^ 0x7465646279746573};
  state.Mix(word);
  state.Mix(uint64_t{8} << 56);  // The last block: nothing but the length.
  state.v2 ^= 0xff;
  for (int i = 0; i < 4; ++i) state.Round();
  return state.v0 ^ state.v1 ^ state.v2 ^ state.v3;
}

}  // namespace lb::dataplane
