// An override as the state file has it. Pure; threading: none.
#pragma once

#include "controlplane/snapshot/overrides.h"
#include "lb/state/v1/state.pb.h"

namespace lb::controlplane {

// Writes all but the name of the backend.
void StoreOverride(const Override& override, state::v1::StoredState::Override& stored);

// Weights above the highest become that.
Override RestoreOverride(const state::v1::StoredState::Override& stored);

}  // namespace lb::controlplane
