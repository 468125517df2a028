// What an operator should know of Services of Kubernetes whose endpoints are backends. Pure;
// threading: none.
#pragma once

#include <vector>

#include "controlplane/admin/view.h"
#include "lb/admin/v1/admin.pb.h"

namespace lb::controlplane {

// One alert for each Service in use that has no endpoint, or whose known endpoints may be old since
// it is not watched; by Service. Of one of which nothing is known its backend says so.
std::vector<admin::v1::Alert> ServiceAlerts(const View& view);

}  // namespace lb::controlplane
