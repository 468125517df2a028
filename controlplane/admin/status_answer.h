// The summary behind `lbctl status`. Pure; threading: none.
#pragma once

#include "controlplane/admin/view.h"
#include "lb/admin/v1/admin.pb.h"

namespace lb::controlplane {

// Problems of the file shown in a status; `problems_total` counts all.
inline constexpr int kMaxStatusProblems = 20;
// Alerts shown; one more says how many are left out.
inline constexpr int kMaxAlerts = 100;

admin::v1::Status DescribeStatus(const View& view);

}  // namespace lb::controlplane
