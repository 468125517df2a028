// The admin API: every call of lb.admin.v1 becomes an AdminRequest, every Reply its response.
//
// An error carries its canonical code, its message and google.rpc details. Threading: the
// io_context's one thread; gRPC's threads only post there.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>
#include <vector>

#include "controlplane/loop/action.h"
#include "controlplane/shell/event_sink.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace lb::controlplane {

class AdminService final {
 public:
  // Calls under way at once, over all connections; one more gets RESOURCE_EXHAUSTED.
  static constexpr size_t kMaxCalls = 256;

  AdminService(boost::asio::io_context& io, EventSink sink);
  ~AdminService();

  // For GrpcServer.
  std::vector<grpc::Service*> services();

  // Answers a call, and ends it.
  void Answer(Reply reply);
  // Sends one of the answers of a call that streams.
  void Stream(StreamItem item);

  // Answers all calls, now and later, with Unavailable.
  void Stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
