// The control plane's own metrics, named after prometheus.io/docs/practices/naming. Pure;
// threading: none.
#pragma once

#include <vector>

#include "base/metrics.h"
#include "controlplane/admin/view.h"

namespace lb::controlplane {

std::vector<MetricFamily> DescribeMetrics(const View& view);

}  // namespace lb::controlplane
