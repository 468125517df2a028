#include "controlplane/shell/gossip_seal.h"

#include <openssl/rand.h>

#include "base/check.h"

namespace lb::controlplane {
namespace {

swim::KeyRing RingOf(const std::vector<std::string>& keys) {
  if (keys.empty()) return {};
  absl::StatusOr<swim::KeyRing> ring = swim::KeyRing::Make(keys);
  LB_CHECK(ring.ok());
  return *std::move(ring);
}

}  // namespace

GossipSeal::GossipSeal(const swim::GossipKeys& keys)
    : label(keys.label), ring(RingOf(keys.keys)), packets(label, ring) {}

swim::KeyRing::Nonce GossipSeal::NewNonce() {
  swim::KeyRing::Nonce nonce;
  RAND_bytes(nonce.data(), nonce.size());
  return nonce;
}

}  // namespace lb::controlplane
