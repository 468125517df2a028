#include "controlplane/membership/key_mark.h"

#include "base/sha256.h"

namespace lb::controlplane::swim {

KeyMark MarkOf(std::string_view key) {
  return {ToHex(Sha256(key)).substr(0, kFingerprintDigits), key.size()};
}

}  // namespace lb::controlplane::swim
