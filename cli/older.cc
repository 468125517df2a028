#include "cli/older.h"

#include <algorithm>

#include "absl/status/status.h"
#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "cli/channel.h"
#include "cli/client.h"
#include "lb/admin/v1/config.grpc.pb.h"
#include "lb/admin/v1/event.grpc.pb.h"
#include "lb/admin/v1/log.grpc.pb.h"

namespace lb::cli {

absl::StatusOr<std::vector<std::string>> MissingServices(const Globals& globals) {
  LB_ASSIGN_OR_RETURN(const Channel channel,
                      AdminClient::Dial({globals.endpoints, globals.timeout, globals.verbose}));
  std::vector<std::string> missing;
  const auto note = [&missing](const char* service, const absl::Status& status) {
    if (status.code() == absl::StatusCode::kUnimplemented) missing.emplace_back(service);
  };
  const auto config = api::ConfigService::NewStub(channel.grpc());
  api::Rollout rollout;
  note("ConfigService", channel.Call(*config, &api::ConfigService::Stub::GetRollout, "GetRollout",
                                     api::GetRolloutRequest(), rollout));
  const auto events = api::EventService::NewStub(channel.grpc());
  api::ListEventsRequest one;
  one.set_page_size(1);
  api::ListEventsResponse page;
  note("EventService",
       channel.Call(*events, &api::EventService::Stub::ListEvents, "ListEvents", one, page));
  const auto logs = api::LogService::NewStub(channel.grpc());
  api::GetLogLevelsResponse levels;
  note("LogService", channel.Call(*logs, &api::LogService::Stub::GetLogLevels, "GetLogLevels",
                                  api::GetLogLevelsRequest(), levels));
  return missing;
}

absl::Status CheckNotFirst(const Globals& globals, const char* what) {
  LB_ASSIGN_OR_RETURN(const std::vector<std::string> missing, MissingServices(globals));
  if (std::find(missing.begin(), missing.end(), "ConfigService") == missing.end())
    return absl::OkStatus();
  return absl::UnimplementedError(
      absl::StrCat(what, "; the control plane is too old for it, and nothing was changed"));
}

}  // namespace lb::cli
