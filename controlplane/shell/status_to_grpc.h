// absl::Status to grpc::Status: the codes are the same numbers. Pure.
#pragma once

#include <grpcpp/support/status.h>

#include <string>

#include "absl/status/status.h"
#include "base/utf8.h"

namespace lb::controlplane {

// Longest message sent: it travels in trailing metadata, of which clients take 8 KiB in all, and
// each byte that is not ASCII travels as three (gRPC over HTTP/2, "Percent-Encoded").
inline constexpr size_t kMaxStatusMessageBytes = 1024;

inline grpc::Status ToGrpcStatus(const absl::Status& status) {
  if (status.ok()) return grpc::Status::OK;
  return grpc::Status(
      static_cast<grpc::StatusCode>(status.code()),
      CutUtf8({status.message().data(), status.message().size()}, kMaxStatusMessageBytes));
}

}  // namespace lb::controlplane
