// Datagrams: label, encryption, checksum, compression, and several messages in one. Pure;
// threading: const after it was made.
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "controlplane/membership/key_ring.h"
#include "controlplane/membership/wire_error.h"

namespace lb::controlplane::swim {

class PacketCodec final {
 public:
  // `label` has at most kMaxLabel bytes; empty: none.
  PacketCodec(std::string label, KeyRing ring) : label_(std::move(label)), ring_(std::move(ring)) {}

  // One datagram of these messages (Encode), 1 to 127 of them, none empty. `checksum`: with a CRC,
  // for members that know it. `nonce` is used where there is a key.
  std::string Seal(const std::vector<std::string>& parts, bool checksum,
                   const KeyRing::Nonce& nonce) const;

  // The messages of a datagram, in order, each for Decode to judge. Layers that are no good make
  // all of it no good, but for a compound whose last parts were cut: those before are kept. kNone:
  // there is a message, and none is empty.
  WireError Open(std::string_view datagram, std::vector<std::string>& parts) const;

  // What label and encryption add.
  size_t overhead() const {
    return (label_.empty() ? 0 : 2 + label_.size()) + (ring_.empty() ? 0 : KeyRing::kOverhead);
  }

 private:
  std::string label_;
  KeyRing ring_;
};

}  // namespace lb::controlplane::swim
