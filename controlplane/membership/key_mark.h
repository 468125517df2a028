// What may be shown of a key of the cluster. Values; threading: none.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace lb::controlplane::swim {

// The first bytes of its SHA-256 in hexadecimal, and its length.
struct KeyMark {
  std::string fingerprint;
  size_t bytes = 0;
  friend bool operator==(const KeyMark&, const KeyMark&) = default;
};
inline constexpr size_t kFingerprintDigits = 8;
KeyMark MarkOf(std::string_view key);

}  // namespace lb::controlplane::swim
