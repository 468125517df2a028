// Metrics of the keys of TLS session tickets. Pure; threading: none.
#pragma once

#include <vector>

#include "base/metrics.h"
#include "controlplane/admin/view.h"

namespace lb::controlplane {

// Appends them; that of an age only where there is a key.
void AddTicketMetrics(const View& view, std::vector<MetricFamily>& out);

}  // namespace lb::controlplane
