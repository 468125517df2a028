// Questions about limits and about clients: spread over the workers that know, gathered again.
// Threading: none.
#pragma once

#include "controlplane/admin/failure.h"
#include "controlplane/admin/view.h"
#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

// Each asks every worker; the answer follows when each has said something or kLookWait is over.
// Where nobody can be asked, limits are listed all the same; the others are failures.
Outcome<admin::v1::ListLimitsResponse> ListLimits(const AdminRequest& event, const View& view,
                                                  const admin::v1::ListLimitsRequest& request,
                                                  Parts& parts, Turn& turn);
Outcome<admin::v1::ListClientsResponse> ListClients(const AdminRequest& event, const View& view,
                                                    const admin::v1::ListClientsRequest& request,
                                                    Parts& parts, Turn& turn);
Outcome<admin::v1::ExplainConnectionResponse> ExplainConnection(
    const AdminRequest& event, const View& view, const admin::v1::ExplainConnectionRequest& request,
    Parts& parts, Turn& turn);

// What a worker answers.
void OnClientReport(const worker::v1::ClientReport& report, const WorkerKey& worker, Parts& parts,
                    Turn& turn);

// Answers those who have waited long enough. At the end of each turn.
void StepClientQuestions(Parts& parts, Turn& turn);
Instant NextClientDeadline(const Parts& parts);

// The caller of a question is gone.
void ForgetClientQuestion(RequestId request, Parts& parts);

}  // namespace lb::controlplane
