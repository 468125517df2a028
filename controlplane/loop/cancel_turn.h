// Operations taken back before they are done. Threading: none.
#pragma once

#include "controlplane/admin/failure.h"
#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"
#include "lb/admin/v1/admin.pb.h"

namespace lb::controlplane {

// Cancels a drain of a backend (what was set for it before is set again), a drain of a worker (it
// is undrained) or a kill (it goes no further). Checks everything first; with validate_only that is
// all, and the answer is the same. Failures: OPERATION_NOT_FOUND, OPERATION_DONE,
// OPERATION_NOT_CANCELLABLE, WORKER_ENDING, MISSING_FEATURE.
Outcome<admin::v1::Operation> CancelOperation(const admin::v1::CancelOperationRequest& request,
                                              const AdminRequest& event, Parts& parts, Turn& turn);

}  // namespace lb::controlplane
