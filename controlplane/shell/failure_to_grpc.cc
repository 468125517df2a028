#include "controlplane/shell/failure_to_grpc.h"

#include <algorithm>
#include <string>

#include "base/check.h"
#include "base/utf8.h"
#include "controlplane/shell/status_to_grpc.h"
#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"

namespace lb::controlplane {
namespace {

// Longest part of a detail that is sent, and of all details: in base64, and with the longest
// message, they fit the 8 KiB of trailing metadata that clients take.
constexpr size_t kMaxDetailBytes = 200;
constexpr size_t kMaxDetailsBytes = 3'500;

std::string Cut(const std::string& text) { return CutUtf8(text, kMaxDetailBytes); }

}  // namespace

grpc::Status ToGrpcStatus(const Failure& failure) {
  LB_CHECK(!failure.status.ok());
  google::rpc::ErrorInfo info;
  info.set_reason(failure.reason);
  info.set_domain(kErrorDomain);
  for (const auto& [key, value] : failure.metadata) (*info.mutable_metadata())[key] = Cut(value);
  google::rpc::Status status;
  const grpc::Status plain = ToGrpcStatus(failure.status);
  status.set_code(plain.error_code());
  status.set_message(Cut(plain.error_message()));
  status.add_details()->PackFrom(info);
  if (!failure.violations.empty()) {
    google::rpc::BadRequest bad;
    const size_t count = std::min(failure.violations.size(), Failure::kMaxViolations);
    for (size_t i = 0; i < count; ++i) {
      auto& violation = *bad.add_field_violations();
      violation.set_field(Cut(failure.violations[i].field));
      violation.set_description(Cut(failure.violations[i].description));
      if (status.ByteSizeLong() + bad.ByteSizeLong() <= kMaxDetailsBytes) continue;
      bad.mutable_field_violations()->RemoveLast();
      break;
    }
    status.add_details()->PackFrom(bad);
  }
  return {plain.error_code(), plain.error_message(), status.SerializeAsString()};
}

}  // namespace lb::controlplane
