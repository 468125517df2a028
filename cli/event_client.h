// The events of the admin API. Threading: one thread.
#pragma once

#include <functional>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/client.h"
#include "lb/admin/v1/event.pb.h"

namespace lb::cli {

// Connects, calls `reached` when it has, and `take` with each event until the stream ends; says why
// it did.
absl::Status WatchEvents(const AdminClient::Options& options,
                         const api::WatchEventsRequest& request,
                         const std::function<void()>& reached,
                         const std::function<void(const api::Event& event)>& take);

// All pages of the events that are kept, oldest first.
absl::StatusOr<std::vector<api::Event>> ListEvents(const AdminClient::Options& options,
                                                   const api::ListEventsRequest& request);

}  // namespace lb::cli
