#include "cli/event_client.h"

#include <utility>

#include "base/status_macros.h"
#include "base/time.h"
#include "cli/channel.h"
#include "lb/admin/v1/event.grpc.pb.h"

namespace lb::cli {

absl::Status WatchEvents(const AdminClient::Options& options,
                         const api::WatchEventsRequest& request,
                         const std::function<void()>& reached,
                         const std::function<void(const api::Event& event)>& take) {
  LB_ASSIGN_OR_RETURN(const Channel channel, AdminClient::Dial(options));
  reached();
  const auto stub = api::EventService::NewStub(channel.grpc());
  grpc::ClientContext context;
  const Instant start = ReadClocks().steady;
  const auto reader = stub->WatchEvents(&context, request);
  api::Event event;
  while (reader->Read(&event)) take(event);
  return channel.Finish(reader->Finish(), context, "WatchEvents", ReadClocks().steady - start);
}

absl::StatusOr<std::vector<api::Event>> ListEvents(const AdminClient::Options& options,
                                                   const api::ListEventsRequest& request) {
  LB_ASSIGN_OR_RETURN(const Channel channel, AdminClient::Dial(options));
  const auto stub = api::EventService::NewStub(channel.grpc());
  std::vector<api::Event> all;
  LB_RETURN_IF_ERROR(channel.CallPaged(*stub, &api::EventService::Stub::ListEvents, "ListEvents",
                                       request, [&all](api::ListEventsResponse& page) {
                                         for (api::Event& event : *page.mutable_events())
                                           all.push_back(std::move(event));
                                       }));
  return all;
}

}  // namespace lb::cli
