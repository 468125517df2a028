// What workers report of outliers: kept, and told as events. Threading: none.
#pragma once

#include "controlplane/loop/parts.h"
#include "controlplane/stream/worker_key.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

// A worker sent statistics: who is left out, and who no longer is.
void NoteOutliers(const WorkerKey& worker, const worker::v1::StatsReport& stats, Parts& parts,
                  Turn& turn);
// A worker's process is gone.
void ForgetOutliers(const WorkerKey& worker, Parts& parts, Turn& turn);
// Tells who is back by time, where no worker says so. At the end of each turn.
void StepOutliers(Parts& parts, Turn& turn);

}  // namespace lb::controlplane
