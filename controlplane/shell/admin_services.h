// The services of lb.admin.v1 as gRPC's generated classes want them: each method hands its call on.
// Threading: see admin_call.h.
#pragma once

#include <grpcpp/impl/service_type.h>

#include <memory>
#include <vector>

#include "controlplane/shell/admin_call.h"

namespace lb::controlplane {

// All of them. `sink` outlives the services.
std::vector<std::unique_ptr<grpc::Service>> MakeAdminServices(const CallSink& sink);

}  // namespace lb::controlplane
