// Sends what the parts have to say to other hosts. Threading: none.
#pragma once

#include <utility>
#include <vector>

#include "controlplane/loop/parts.h"
#include "controlplane/membership/host_channel.h"

namespace lb::controlplane {

inline void SendToHosts(std::vector<HostChannel::Datagram> datagrams, Turn& turn) {
  for (HostChannel::Datagram& datagram : datagrams)
    turn.actions.push_back(
        GossipOut{swim::SendUsage{std::move(datagram.to), std::move(datagram.bytes)}});
}

}  // namespace lb::controlplane
