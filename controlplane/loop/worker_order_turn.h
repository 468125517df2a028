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

}  // namespace lb::controlplane
