// Who watches the running revision reach the workers. Threading: none.
#pragma once

#include "controlplane/admin/failure.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

// Watches at once: each is compared in every turn.
inline constexpr size_t kMaxRolloutWatches = 64;

// Takes a watch; a Failure when too many watch.
std::optional<Failure> WatchRollout(RequestId request, Parts& parts);

// Sends what is news to each watch, and ends those for which all is said. Last in a turn.
void SendRollouts(Parts& parts, Turn& turn);

}  // namespace lb::controlplane
