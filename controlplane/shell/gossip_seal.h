// What datagrams and connections of members are sealed with; replaced as a whole, kept by whoever
// began with it. Threading: one thread.
#pragma once

#include <memory>
#include <string>

#include "controlplane/membership/gossip.h"
#include "controlplane/membership/key_ring.h"
#include "controlplane/membership/packet_codec.h"

namespace lb::controlplane {

struct GossipSeal {
  std::string label;
  swim::KeyRing ring;
  swim::PacketCodec packets;

  // Of keys that were checked.
  explicit GossipSeal(const swim::GossipKeys& keys);

  // Random.
  static swim::KeyRing::Nonce NewNonce();
};
using GossipSealPtr = std::shared_ptr<const GossipSeal>;

}  // namespace lb::controlplane
