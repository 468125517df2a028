// The services behind admin_changes.h. Internal to the fake admin server.
#pragma once

#include <grpcpp/grpcpp.h>

#include <memory>
#include <vector>

#include "tests/fakes/admin_state.h"

namespace lb::fakes {

// ConfigService, BackendService, ConnectionService and LogService over `state`, which outlives
// them.
std::vector<std::unique_ptr<grpc::Service>> MakeChangeServices(AdminState& state);

}  // namespace lb::fakes
