// The calls that only look: events, operations and gRPC's own channelz, on top of one connection.
//
// gRPC stays behind the pimpl. Threading: one thread.
#pragma once

#include <chrono>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/globals.h"
#include "lb/admin/v1/admin.pb.h"
#include "lb/admin/v1/event.pb.h"

namespace lb::cli {

class InspectClient final {
 public:
  // Connects as AdminClient::Connect does.
  static absl::StatusOr<std::unique_ptr<InspectClient>> Connect(const Globals& globals);
  ~InspectClient();

  // All pages: the events that are kept, oldest first; the operations, newest first.
  absl::StatusOr<std::vector<admin::v1::Event>> ListEvents();
  absl::StatusOr<std::vector<admin::v1::Operation>> ListOperations();

  // A method of grpc.channelz.v1.Channelz with an empty request, as JSON text: "GetServers".
  absl::StatusOr<std::string> Channelz(const std::string& method);

 private:
  struct Impl;
  explicit InspectClient(std::unique_ptr<Impl> impl);
  std::unique_ptr<Impl> impl_;
};

// Whether `endpoint` (HOST:PORT) answers one who has no certificate, by TLS or without, within
// twice `timeout`. Nothing is called.
bool AnswersStrangers(const std::string& endpoint, std::chrono::milliseconds timeout);

}  // namespace lb::cli
