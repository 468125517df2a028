// Questions about open connections, and kills: spread over the workers that can, gathered again.
// Threading: none.
#pragma once

#include <optional>
#include <string>

#include "controlplane/admin/failure.h"
#include "controlplane/admin/view.h"
#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

// Asks every worker; the answer follows when each has said something or kListWait is over.
Outcome<admin::v1::ListConnectionsResponse> ListConnections(
    const AdminRequest& event, const View& view, const admin::v1::ListConnectionsRequest& request,
    Parts& parts, Turn& turn);

Outcome<admin::v1::Operation> KillConnections(const AdminRequest& event, const View& view,
                                              const admin::v1::KillConnectionsRequest& request,
                                              Parts& parts, Turn& turn);

// Orders every worker that can to reset the connections that match, together at most `rate_per_s`.
// Returns the number of the operation, which fails at once when no worker can, and names those that
// fell silent or stayed away before they were done. `author`: who asked; empty: a drain did.
uint64_t StartKill(const worker::v1::ConnectionFilter& filter, uint32_t rate_per_s,
                   const std::string& target, const std::string& author, Parts& parts, Turn& turn);

// Ends a kill that is under way where it is. MISSING_FEATURE: a worker that carries it out is too
// old to stop. With `validate_only` nothing but that check.
std::optional<Failure> CancelKill(uint64_t number, bool validate_only, Parts& parts, Turn& turn);

// What workers answer.
void OnConnectionList(const worker::v1::ConnectionList& list, const WorkerKey& worker, Parts& parts,
                      Turn& turn);
void OnKillStatus(const worker::v1::KillStatus& status, const WorkerKey& worker, Parts& parts);

// A worker has a new stream: what it may not have got is sent again.
void ResendConnectionOrders(const WorkerKey& worker, Parts& parts, Turn& turn);

// Answers those who have waited long enough, and ends kills whose workers are gone. At the end of
// each turn.
void StepConnectionOrders(Parts& parts, Turn& turn);
Instant NextConnectionDeadline(const Parts& parts);

// The caller of a question is gone.
void ForgetConnectionList(RequestId request, Parts& parts);

}  // namespace lb::controlplane
