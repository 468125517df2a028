// Log levels at run time, each until its time is over. Threading: none.
#pragma once

#include "controlplane/admin/failure.h"
#include "controlplane/admin/view.h"
#include "controlplane/loop/event.h"
#include "controlplane/loop/parts.h"

namespace lb::controlplane {

admin::v1::GetLogLevelsResponse DescribeLogLevels(const View& view, const Parts& parts);

Outcome<admin::v1::GetLogLevelsResponse> ChangeLogLevel(
    const View& view, const AdminRequest& event, const admin::v1::SetLogLevelRequest& request,
    Parts& parts, Turn& turn);

// A worker has a new stream: it logs as is known here, and not as an earlier control plane said.
void ResendLogLevels(const WorkerKey& worker, Parts& parts, Turn& turn);

// Takes back what is over. Workers do so by themselves, so that they need nobody for it.
void StepLogLevels(Parts& parts, Turn& turn);
Instant NextLogDeadline(const Parts& parts);

}  // namespace lb::controlplane
