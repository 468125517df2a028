// Drains of backends, from the order to the last connection. Threading: none.
#pragma once

#include <string>

#include "controlplane/admin/view.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

// The kind of its operations.
inline constexpr char kDrainBackend[] = "DrainBackend";

// Follows the connections of a backend, or of all addresses of a DNS name, that takes no new ones.
// `before` is what was set for it, should the drain be cancelled. A drain of the same backend that
// is under way is ended, and hands on what was set before itself.
admin::v1::Operation StartBackendDrain(const BackendKey& backend, const std::string& name,
                                       Duration timeout, bool close_at_timeout, Override before,
                                       Parts& parts, Turn& turn);

// What StartBackendDrain would answer.
admin::v1::Operation PlannedDrain(const View& view, const BackendKey& backend,
                                  const std::string& name);

// Ends the drains of a backend that are under way, as ABORTED.
void EndBackendDrains(const BackendKey& backend, const std::string& why, Parts& parts);

// The worker has counted its connections.
void NoteCounted(const WorkerKey& worker, Parts& parts);

// Goes on with every drain; at the end of each turn.
void StepBackendDrains(Parts& parts, Turn& turn);

// When a drain reaches its timeout; Instant::max() for never.
Instant NextDrainDeadline(const Parts& parts);

}  // namespace lb::controlplane
