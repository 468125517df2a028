// The cluster's part of a turn: its configuration, its peers' names, its member. Threading: none.
#pragma once

#include "controlplane/loop/parts.h"

namespace lb::controlplane {

// Names that are resolved from now on: those of the configuration's backends, and of peers.
void SetNamesInUse(Parts& parts, Turn& turn);

// Something came from other members, or from the sockets to them.
void OnGossip(const GossipIn& event, Parts& parts, Turn& turn);

// The process is about to end: says good-bye.
void OnStopping(Parts& parts, Turn& turn);

// What follows from a new configuration, from orders, and from the time.
void StepCluster(Parts& parts, Turn& turn);
Instant NextClusterDeadline(const Parts& parts);

}  // namespace lb::controlplane
