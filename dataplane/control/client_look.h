// What this worker says of clients: how they stand under its limits, how many connections one
// has open, and where it would send it. Changes nothing, takes no token. Threading: the control
// thread.
#pragma once

#include <cstdint>

#include "base/time.h"
#include "dataplane/limit/bandwidths.h"
#include "dataplane/limit/rate_limiters.h"
#include "dataplane/snapshot/tables.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::dataplane {

inline constexpr uint32_t kMaxLookedAt = 1'000;     // Busiest clients of one limit.
inline constexpr int kMaxReportedClients = 20'000;  // Of one answer, over all limits.

// Answers the command, which is a look_at_clients; `tables` may be nullptr: nothing is in force
// yet.
lb::worker::v1::ConnectRequest LookAtClients(const lb::worker::v1::Command& command,
                                             const RateLimiters& limiters,
                                             const Bandwidths& bandwidths, const Tables* tables,
                                             Instant now);

}  // namespace lb::dataplane
