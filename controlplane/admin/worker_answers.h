// Answers about workers. Pure; threading: none.
#pragma once

#include <string>
#include <vector>

#include "controlplane/admin/failure.h"
#include "controlplane/admin/view.h"
#include "lb/admin/v1/admin.pb.h"

namespace lb::controlplane {

// How what a worker runs compares with the newest version.
admin::v1::Worker::Sync SyncOf(const View& view, const WorkerRecord& record);

// "workers/ID", or "workers/ID@INCARNATION" when it is not the newest process of its id.
std::string WorkerName(const View& view, const WorkerKey& key, const WorkerRecord& record);
// "BIND_FAILED"
std::string NackReasonOf(const worker::v1::Nack& nack);

// Finds "workers/ID", the newest process of that id, or "workers/ID@INCARNATION", a certain one.
Outcome<WorkerKey> FindWorker(const View& view, const std::string& name);

Outcome<admin::v1::Worker> GetWorker(const View& view, const admin::v1::GetWorkerRequest& request);

// In the order of (id, incarnation); processes that are not the newest of their id have the longer
// name.
Outcome<admin::v1::ListWorkersResponse> ListWorkers(const View& view,
                                                    const admin::v1::ListWorkersRequest& request);

// All of them, as ListWorkers has them.
std::vector<admin::v1::Worker> DescribeWorkers(const View& view);

// Newest first.
Outcome<admin::v1::ListOperationsResponse> ListOperations(
    const View& view, const admin::v1::ListOperationsRequest& request);

}  // namespace lb::controlplane
