// What the services of the fake admin server share, behind one lock. Internal to admin_server.cc.
#pragma once

#include <grpcpp/grpcpp.h>

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <mutex>
#include <string>
#include <vector>

#include "google/rpc/error_details.pb.h"
#include "google/rpc/status.pb.h"
#include "tests/fakes/admin_server.h"

namespace lb::fakes {

struct AdminState {
  std::mutex mutex;
  std::condition_variable stopping;
  bool stopped = false;
  AdminServer::Data data;
  AdminServer::Fault fault;
  size_t page_size = 1000;
  size_t operation = 0;
  size_t calls = 0;
  ChangeRequests seen;
  std::vector<lb::admin::v1::DrainWorkerRequest> drains;
  std::vector<lb::admin::v1::UndrainWorkerRequest> undrains;

  // An error with a google.rpc.ErrorInfo, unless the reason is empty.
  static grpc::Status Failure(grpc::StatusCode code, const std::string& message,
                              const std::string& reason) {
    if (reason.empty()) return {code, message};
    google::rpc::ErrorInfo info;
    info.set_reason(reason);
    google::rpc::Status status;
    status.add_details()->PackFrom(info);
    return {code, message, status.SerializeAsString()};
  }

  // Gives the fault of the moment, or OK. Holds the call when it is to hang.
  grpc::Status Enter(grpc::ServerContext* context, std::unique_lock<std::mutex>& lock) {
    ++calls;
    // Past the caller's deadline, so that not this answer but the deadline ends the call.
    const auto end = context->deadline() + std::chrono::seconds(1);
    if (fault.hang) stopping.wait_until(lock, end, [this] { return stopped; });
    if (fault.code == 0) return grpc::Status::OK;
    if (fault.skip > 0) {
      --fault.skip;
      return grpc::Status::OK;
    }
    if (fault.most == 0) return grpc::Status::OK;
    --fault.most;
    google::rpc::ErrorInfo info;
    info.set_reason(fault.reason);
    info.mutable_metadata()->insert(fault.metadata.begin(), fault.metadata.end());
    google::rpc::BadRequest bad;
    for (const std::string& text : fault.violations)
      bad.add_field_violations()->set_description(text);
    google::rpc::Status status;
    if (!fault.reason.empty()) status.add_details()->PackFrom(info);
    if (!fault.violations.empty()) status.add_details()->PackFrom(bad);
    return {static_cast<grpc::StatusCode>(fault.code), fault.message, status.SerializeAsString()};
  }

  // The one of `all` (a member of `data`) with this name.
  template <typename T>
  grpc::Status Get(grpc::ServerContext* context, const std::vector<T>& all, const std::string& name,
                   T* response) {
    std::unique_lock lock(mutex);
    if (grpc::Status status = Enter(context, lock); !status.ok()) return status;
    const auto found =
        std::find_if(all.begin(), all.end(), [&](const T& one) { return one.name() == name; });
    if (found == all.end()) {
      return Failure(grpc::StatusCode::NOT_FOUND, "'" + name + "' does not exist",
                     "RESOURCE_NOT_FOUND");
    }
    *response = *found;
    return grpc::Status::OK;
  }

  // The page of `all` that `request` asks for; `add` gives room for one more item.
  template <typename T, typename Request, typename Response, typename Add>
  grpc::Status List(grpc::ServerContext* context, const std::vector<T>& all, const Request& request,
                    Response* response, Add add) {
    std::unique_lock lock(mutex);
    if (grpc::Status status = Enter(context, lock); !status.ok()) return status;
    const size_t begin = request.page_token().empty() ? 0 : std::stoul(request.page_token());
    const auto asked = static_cast<size_t>(std::max(request.page_size(), 0));
    const size_t size = asked == 0 ? page_size : std::min(asked, page_size);
    const size_t end = std::min(begin + size, all.size());
    for (size_t i = begin; i < end; ++i) *add(response) = all[i];
    if (end < all.size()) response->set_next_page_token(std::to_string(end));
    if (fault.endless_pages) response->set_next_page_token("0");
    return grpc::Status::OK;
  }
};

}  // namespace lb::fakes
