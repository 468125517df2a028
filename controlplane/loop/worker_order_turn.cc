#include "controlplane/loop/worker_order_turn.h"

#include <chrono>
#include <optional>
#include <utility>

#include "absl/strings/str_cat.h"
#include "controlplane/admin/duration_field.h"
#include "controlplane/admin/etags.h"
#include "controlplane/admin/proto_time.h"
#include "controlplane/admin/worker_answers.h"

namespace lb::controlplane {
namespace {

constexpr std::chrono::seconds kDefaultTimeout{30};

Failure Precondition(const std::string& worker, const char* what, const char* reason) {
  return {absl::FailedPreconditionError(absl::StrCat("'", worker, "' ", what)), reason};
}

// Whether clients are refused once this worker drains.
bool IsLastAccepting(const Parts& parts, const WorkerKey& key) {
  if (parts.workers.Find(key)->draining) return false;
  for (const auto& [session, other] : parts.workers.sessions())
    if (other != key && !parts.workers.Find(other)->draining) return false;
  return true;
}

// The answer to an order that is only to be checked.
admin::v1::Operation Planned(const char* kind, const WorkerKey& key, uint64_t connections) {
  admin::v1::Operation operation;
  operation.set_done(true);
  operation.set_kind(kind);
  operation.set_target(absl::StrCat("workers/", key.id));
  operation.set_connections_left(connections);
  operation.set_status("checked only");
  return operation;
}

// Fails when the worker is not as the caller read it.
std::optional<Failure> CheckSeen(const View& view, const std::string& name,
                                 const std::string& etag) {
  if (etag.empty()) return std::nullopt;
  admin::v1::GetWorkerRequest request;
  request.set_name(name);
  const Outcome<admin::v1::Worker> worker = GetWorker(view, request);
  if (const auto* failure = std::get_if<Failure>(&worker)) return *failure;
  return CheckEtag(name, etag, std::get<0>(worker).etag());
}

// Gives a worker an order: now when it is connected, else when it is again.
admin::v1::Operation Order(const WorkerKey& key, worker::v1::Command order, Parts& parts,
                           Turn& turn) {
  WorkerRecord& record = parts.workers.At(key);
  record.draining = order.has_drain();
  record.drain_begun = record.drained = false;
  worker::v1::ConnectResponse message;
  *message.mutable_command() =
      parts.operations.Start(key, std::move(order), parts.totals.OfWorker(key).connections);
  if (record.session) turn.Send(*record.session, std::move(message));
  turn.Emit(record.draining ? "worker.drain" : "worker.undrain", absl::StrCat("workers/", key.id),
            LogLevel::kInfo, record.draining ? "drain ordered" : "undrain ordered",
            {{"worker", key.id}});
  return parts.operations.newest();
}

}  // namespace

Outcome<admin::v1::Operation> DrainWorker(const admin::v1::DrainWorkerRequest& request,
                                          const View& view, Parts& parts, Turn& turn) {
  const Outcome<WorkerKey> found = FindWorker(view, request.name());
  if (const auto* failure = std::get_if<Failure>(&found)) return *failure;
  if (auto failure = CheckSeen(view, request.name(), request.etag())) return *failure;
  const WorkerKey& key = std::get<WorkerKey>(found);
  const WorkerRecord& record = parts.workers.At(key);
  if (!record.session)
    return Precondition(request.name(), "is not connected", "WORKER_DISCONNECTED");
  const Outcome<Duration> timeout = ReadDuration("timeout", request.has_timeout(),
                                                 request.timeout(), kDefaultTimeout, kDrainRange);
  if (const auto* failure = std::get_if<Failure>(&timeout)) return *failure;
  // Asked twice is not wrong: the second one follows the first.
  if (const auto* running = parts.operations.RunningDrain(key)) return *running;
  if (!request.force() && IsLastAccepting(parts, key))
    return Precondition(request.name(),
                        "is the last worker that accepts connections: clients would be refused; "
                        "force it to do it all the same",
                        "LAST_ACCEPTING_WORKER");
  if (auto failure = parts.operations.CheckRoom()) return *std::move(failure);
  if (request.validate_only())
    return Planned("DrainWorker", key, parts.totals.OfWorker(key).connections);
  worker::v1::Command order;
  *order.mutable_drain()->mutable_timeout() = ToProto(std::get<Duration>(timeout));
  return Order(key, std::move(order), parts, turn);
}

Outcome<admin::v1::Operation> UndrainWorker(const admin::v1::UndrainWorkerRequest& request,
                                            const View& view, Parts& parts, Turn& turn) {
  const Outcome<WorkerKey> found = FindWorker(view, request.name());
  if (const auto* failure = std::get_if<Failure>(&found)) return *failure;
  if (auto failure = CheckSeen(view, request.name(), request.etag())) return *failure;
  const WorkerKey& key = std::get<WorkerKey>(found);
  const WorkerRecord& record = parts.workers.At(key);
  if (!record.session)
    return Precondition(request.name(), "is not connected", "WORKER_DISCONNECTED");
  if (record.ending)
    return Precondition(request.name(), "is ending: a signal drains it for good", "WORKER_ENDING");
  // It takes the place of a drain that goes on.
  if (parts.operations.RunningDrain(key) == nullptr)
    if (auto failure = parts.operations.CheckRoom()) return *std::move(failure);
  if (request.validate_only()) return Planned("UndrainWorker", key, 0);
  return OrderUndrain(key, parts, turn);
}

admin::v1::Operation OrderUndrain(const WorkerKey& worker, Parts& parts, Turn& turn) {
  worker::v1::Command order;
  order.mutable_undrain();
  return Order(worker, std::move(order), parts, turn);
}

}  // namespace lb::controlplane
