// Rules, backends and workers streamed to those who watch them. Threading: none.
#pragma once

#include <optional>

#include "controlplane/admin/failure.h"
#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"
#include "lb/admin/v1/watch.pb.h"

namespace lb::controlplane {

// Watches at once: each look costs as much as a list.
inline constexpr size_t kMaxResourceWatches = 32;
// Most changes sent to a watch at once: half of what may wait for a slow reader.
inline constexpr size_t kMaxResourceChanges = 10'000;
// And bytes, but for one change more.
inline constexpr size_t kMaxResourceBytes = 2u << 20;

// Takes a watch; its answers begin with this turn.
std::optional<Failure> WatchResources(const admin::v1::WatchResourcesRequest& request,
                                      const AdminRequest& event, Parts& parts, Turn& turn);

// Looks at what is watched, at most a few times a second, and sends what changed. Last in a turn.
void SendResourceChanges(Parts& parts, Turn& turn);
// When there is something to look at without an event.
Instant NextResourceLook(const Parts& parts);

}  // namespace lb::controlplane
