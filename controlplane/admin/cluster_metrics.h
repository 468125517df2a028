// Metrics of the cluster: who is a member, how well they reach each other, what is dropped. Pure;
// threading: none.
#pragma once

#include <cstddef>
#include <vector>

#include "base/metrics.h"
#include "controlplane/admin/view.h"

namespace lb::controlplane {

// Members with a series of their own, those that do not live first; all are counted by state.
inline constexpr size_t kMaxMemberSeries = 1'000;

// Appends them; nothing where there is no cluster.
void AddClusterMetrics(const View& view, std::vector<MetricFamily>& out);

}  // namespace lb::controlplane
