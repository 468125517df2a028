// The admin API: every call of lb.admin.v1 becomes an AdminRequest, every Reply its response.
//
// CallShares says how many calls may be under way at once. A call that changes something leaves an
// audit line when the loop has answered it, also when its caller is gone by then.
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
  AdminService(boost::asio::io_context& io, EventSink sink);
  ~AdminService();

  // For GrpcServer.
  std::vector<grpc::Service*> services();

  // Answers a call, and ends it.
  void Answer(Reply reply);
  // Sends one of the answers of a call that streams.
  void Stream(StreamItem item);

  // Changes under way whose callers are gone.
  size_t abandoned() const;
  // Of answers that wait for slow readers of streams.
  size_t waiting_bytes() const;

  // Answers all calls, now and later, with Unavailable.
  void Stop();

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
