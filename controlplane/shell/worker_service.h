// The worker API: every stream of lb.worker.v1.WorkerControlService is a session of the loop.
//
// One message of a session is under way to the loop at a time: the next is read when it was
// handled, so a worker that talks too much slows down itself only. A session's messages wait in a
// bounded queue; a worker that does not read is cut, reconnects and is brought up to date. What
// does not parse ends its own stream with INVALID_ARGUMENT. Threading: the io_context's one thread;
// the gRPC callbacks come from gRPC's threads and only post there.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <vector>

#include "absl/status/status.h"
#include "base/metrics.h"
#include "controlplane/loop/action.h"
#include "controlplane/shell/event_sink.h"

namespace grpc {
class Service;
}  // namespace grpc

namespace lb::controlplane {

class WorkerService final {
 public:
  // A host runs a handful of workers; each costs a connection, its queue and the loop's memory.
  static constexpr size_t kMaxSessions = 256;
  // What waits to be sent to one worker: a few of the largest snapshots, or many small updates.
  static constexpr size_t kMaxQueuedBytes = 64u << 20;
  static constexpr size_t kMaxQueuedMessages = 10'000;

  // A hello whose pid is not that of the process at the other end of its own connection is turned
  // away: slots are given back when the process of that pid is gone, so it must be the right one,
  // and nobody speaks for another. Over TLS the name must be that of the certificate, and the pid,
  // which may be another host's, becomes 0.
  WorkerService(boost::asio::io_context& io, EventSink sink);
  ~WorkerService();

  // For GrpcServer.
  grpc::Service* service();

  // Queues a message; none for a session that is over.
  void Send(const SendToWorker& action);

  // Ends a session with a status, after what was queued.
  void Close(const CloseSession& action);

  // Ends all sessions with Unavailable and takes no new ones.
  void Stop();

  size_t sessions() const;

  // Appends lb_worker_sessions and lb_worker_streams_ended_total{reason}.
  void AppendMetrics(std::vector<MetricFamily>& families) const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
