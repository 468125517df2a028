// Backend states as HealthUpdate messages of bounded size. Pure; threading: none.
#pragma once

#include <utility>
#include <vector>

#include "controlplane/snapshot/backend_key.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

// Bytes of entries after which a new part begins; small enough that a large update never holds up
// what is behind it for long.
inline constexpr size_t kHealthPartBytes = size_t{256} << 10;

using BackendStates = std::vector<std::pair<BackendKey, type::v1::HealthState>>;

// Returns the first update of a session: always at least one message.
std::vector<worker::v1::ConnectResponse> CompleteHealth(const BackendStates& states);

// Returns changes; nothing for none.
std::vector<worker::v1::ConnectResponse> HealthChanges(const BackendStates& states);

}  // namespace lb::controlplane
