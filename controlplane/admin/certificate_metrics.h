// Metrics of the files of TLS in force: when they end, when they came into force, and whether what
// they hold now is refused. Pure; threading: none.
#pragma once

#include <cstddef>
#include <vector>

#include "base/metrics.h"
#include "controlplane/admin/view.h"

namespace lb::controlplane {

// Files with series of their own, those that need a look first; all are counted by state.
inline constexpr size_t kMaxCertificateSeries = 1'000;

// Appends them.
void AddCertificateMetrics(const View& view, std::vector<MetricFamily>& out);

}  // namespace lb::controlplane
