// The services of the admin API that change things while they run: backends, connections, log
// levels. Threading: see admin_call.h.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <vector>

#include "controlplane/shell/admin_call.h"

namespace lb::controlplane {

// `sink` outlives the services.
std::vector<std::unique_ptr<grpc::Service>> MakeOperatorServices(const CallSink& sink);

}  // namespace lb::controlplane
