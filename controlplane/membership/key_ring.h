// The cluster's keys: AES-GCM with a random nonce. A value; threading: const after it was made.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "absl/status/statusor.h"

namespace lb::controlplane::swim {

class KeyRing final {
 public:
  static constexpr size_t kMaxKeys = 4;  // A datagram of strangers costs a try with each of them.
  static constexpr size_t kNonceBytes = 12;
  static constexpr size_t kTagBytes = 16;
  static constexpr size_t kOverhead = 1 + kNonceBytes + kTagBytes;
  using Nonce = std::array<uint8_t, kNonceBytes>;

  // No key: nothing is sealed.
  KeyRing() = default;

  // Keys of 16, 24 or 32 bytes, the one that seals first; none is no key. InvalidArgument says
  // which one is bad, by its place, never by its bytes: of another length, there twice, one too
  // many.
  static absl::StatusOr<KeyRing> Make(const std::vector<std::string>& keys);

  bool empty() const { return keys_ == nullptr; }

  // The version byte, the nonce, the ciphertext, the tag. `nonce` must be random, and is never used
  // twice. There is a key.
  std::string Seal(const Nonce& nonce, std::string_view plaintext, std::string_view aad) const;

  // What was sealed by any of the keys.
  std::optional<std::string> Open(std::string_view sealed, std::string_view aad) const;

 private:
  class Keys;

  // Shared by copies, and wiped with the last one; null where there is no key.
  std::shared_ptr<const Keys> keys_;
};

}  // namespace lb::controlplane::swim
