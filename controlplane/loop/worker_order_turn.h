// Orders to one worker: drain and undrain. Threading: none.
#pragma once

#include "controlplane/admin/failure.h"
#include "controlplane/admin/view.h"
#include "controlplane/loop/parts.h"
#include "lb/admin/v1/admin.pb.h"

namespace lb::controlplane {

// Each checks everything, then, unless it is only to be validated, sends the order.
Outcome<admin::v1::Operation> DrainWorker(const admin::v1::DrainWorkerRequest& request,
                                          const View& view, Parts& parts, Turn& turn);
Outcome<admin::v1::Operation> UndrainWorker(const admin::v1::UndrainWorkerRequest& request,
                                            const View& view, Parts& parts, Turn& turn);

// Gives the order without a check; to a worker that is not connected it goes when it is again.
admin::v1::Operation OrderUndrain(const WorkerKey& worker, Parts& parts, Turn& turn);

}  // namespace lb::controlplane
