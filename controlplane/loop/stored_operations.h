// Operations over a restart of the control plane. Drains go on where they were; a kill goes on in
// the workers, but nobody counts any more, and its operation says so. Threading: none.
#pragma once

#include "controlplane/loop/parts.h"
#include "lb/state/v1/state.pb.h"

namespace lb::controlplane {

// After everything else was restored: workers, overrides, the wall clock.
void RestoreOperations(const state::v1::StoredState& state, Parts& parts, Instant now);

void StoreOperations(const Parts& parts, state::v1::StoredState& state);

}  // namespace lb::controlplane
