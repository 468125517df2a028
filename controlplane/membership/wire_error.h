// Why bytes of other members are dropped. Threading: none.
#pragma once

#include <cstdint>

namespace lb::controlplane::swim {

enum class WireError : uint8_t {
  kNone,
  kTooLong,      // More than is taken.
  kLabel,        // Without our label, or with another one.
  kPlaintext,    // Not sealed, though there is a key.
  kSealed,       // Sealed, though there is no key; or in a way that nobody speaks any more.
  kKey,          // None of our keys opens it: forged, damaged, or another cluster's.
  kChecksum,     // Its CRC is another one.
  kCompression,  // Cannot be unpacked, or into too much.
  kCompound,     // The parts do not fit.
  kType,         // An unknown kind of message.
  kMessage,      // A message that is cut, or holds what cannot be.
};
inline constexpr int kWireErrors = 11;

// Whether it says that key or label of the sender are others, rather than that bytes are broken.
constexpr bool IsStrange(WireError error) {
  return error == WireError::kLabel || error == WireError::kPlaintext ||
         error == WireError::kSealed || error == WireError::kKey;
}

// "bad_key": for counters and logs.
const char* WireErrorName(WireError error);

}  // namespace lb::controlplane::swim
