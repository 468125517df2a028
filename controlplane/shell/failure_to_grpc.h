// A Failure as a status of gRPC, with google.rpc details (AIP-193). Pure.
#pragma once

#include <grpcpp/support/status.h>

#include "controlplane/admin/failure.h"

namespace lb::controlplane {

// ErrorInfo.domain of every error of ours.
inline constexpr char kErrorDomain[] = "lb";

// Always one ErrorInfo; a BadRequest where there are violations, with as many as a status has room
// for.
grpc::Status ToGrpcStatus(const Failure& failure);

}  // namespace lb::controlplane
