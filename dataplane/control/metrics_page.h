// What a worker's /metrics shows, as families; the names are part of what users rely on.
//
// Threading: the control thread.
#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <vector>

#include "base/metrics.h"
#include "base/time.h"
#include "dataplane/control/config_lane.h"
#include "dataplane/snapshot/state_registry.h"

namespace lb::dataplane {

// What the page shows beside the counters of rules and backends.
struct WorkerGauges {
  Instant now;             // When the page is made.
  bool connected = false;  // To the control plane, and welcomed.
  uint64_t reconnects_total = 0;
  bool draining = false;
  bool restored = false;  // Runs with what a process before left.
  uint64_t connections = 0;
  std::vector<uint64_t> thread_connections;                     // By I/O thread.
  std::vector<std::pair<std::string, uint64_t>> accept_errors;  // By errno name.
  uint64_t access_log_lines = 0;
  uint64_t access_log_dropped = 0;
};

// Returns all families of this worker, without the process's own.
std::vector<MetricFamily> WorkerMetrics(const StateRegistry& registry, const ConfigLane& config,
                                        const WorkerGauges& gauges);

}  // namespace lb::dataplane
