#include "controlplane/loop/cancel_turn.h"

#include <optional>
#include <string>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "controlplane/loop/connection_turn.h"
#include "controlplane/loop/drain_turn.h"
#include "controlplane/loop/operation_turn.h"
#include "controlplane/loop/override_event.h"
#include "controlplane/loop/worker_order_turn.h"

namespace lb::controlplane {
namespace {

constexpr char kNotCancellable[] = "OPERATION_NOT_CANCELLABLE";
constexpr char kBackendStatus[] = "cancelled; the backend is what it was before";
constexpr char kWorkerStatus[] = "cancelled; the worker accepts again";

Failure Precondition(const std::string& what, const char* reason) {
  return {absl::FailedPreconditionError(what), reason};
}

// What is set for a backend once its drain is taken back: what was set before it; a weight that was
// set meanwhile stays.
Override Undone(const Override& now, const Override& before, const AdminRequest& event) {
  if (now.weight == before.weight && now.weight_percent == before.weight_percent) return before;
  Override out = now;
  out.admin_state = before.admin_state;
  out.author = event.caller.name;
  out.set_time = event.clock.wall;
  return out;
}

std::optional<Failure> CancelBackendDrain(uint64_t number, bool validate_only,
                                          const AdminRequest& event, Parts& parts, Turn& turn) {
  const auto it = parts.drains.find(number);
  LB_CHECK(it != parts.drains.end());
  const BackendDrain drain = it->second;
  if (!drain.before)
    return Precondition(
        absl::StrCat("operations/", number,
                     " was begun by an older release, which did not store what the backend was "
                     "before; undrain it, or put it into maintenance"),
        kNotCancellable);
  if (drain.kill)
    if (auto failure = CancelKill(*drain.kill, validate_only, parts, turn)) return failure;
  if (validate_only) return std::nullopt;
  const Override* now = parts.overrides.FindExact(drain.backend);
  // Without one the backend left the configuration for so long that nothing is set for it any more.
  if (now != nullptr) {
    const Override drained = *now;
    const Override undone = Undone(drained, *drain.before, event);
    LB_CHECK(parts.overrides.Set(drain.backend, undone));
    EmitOverride(drain.backend, drained, undone, event.caller.name, parts, turn);
  }
  parts.drains.erase(it);
  parts.operations.Cancel(number, kBackendStatus);
  turn.refresh = turn.dirty = turn.urgent = true;
  return std::nullopt;
}

std::optional<Failure> CancelWorkerDrain(uint64_t number, bool validate_only, Parts& parts,
                                         Turn& turn) {
  const WorkerKey worker = *parts.operations.WorkerOf(number);
  const WorkerRecord* record = parts.workers.Find(worker);
  LB_CHECK(record != nullptr);  // Its operations end with it.
  if (record->ending)
    return Precondition(absl::StrCat("'workers/", worker.id, "' is ending: a signal drains it"),
                        "WORKER_ENDING");
  if (validate_only) return std::nullopt;
  parts.operations.Cancel(number, kWorkerStatus);
  OrderUndrain(worker, parts, turn);
  return std::nullopt;
}

std::optional<Failure> Cancel(const admin::v1::Operation& operation, uint64_t number,
                              bool validate_only, const AdminRequest& event, Parts& parts,
                              Turn& turn) {
  if (operation.kind() == kDrainBackend)
    return CancelBackendDrain(number, validate_only, event, parts, turn);
  if (operation.kind() == "DrainWorker")
    return CancelWorkerDrain(number, validate_only, parts, turn);
  if (operation.kind() == "KillConnections") return CancelKill(number, validate_only, parts, turn);
  return Precondition(absl::StrCat(operation.name(), " (", operation.kind(),
                                   ") cannot be taken back: it is done in a moment"),
                      kNotCancellable);
}

}  // namespace

Outcome<admin::v1::Operation> CancelOperation(const admin::v1::CancelOperationRequest& request,
                                              const AdminRequest& event, Parts& parts, Turn& turn) {
  const Outcome<admin::v1::Operation> found = GetOperation(request.name(), parts);
  const auto* operation = std::get_if<admin::v1::Operation>(&found);
  if (operation == nullptr) return found;
  if (operation->done())
    return Failure{absl::FailedPreconditionError(
                       absl::StrCat(operation->name(), " is done: ", operation->status())),
                   "OPERATION_DONE",
                   {{"state", admin::v1::Operation::State_Name(WithState(*operation).state())}}};
  const uint64_t number = *parts.operations.NumberOf(request.name());
  if (auto failure = Cancel(*operation, number, request.validate_only(), event, parts, turn))
    return *failure;
  if (!request.validate_only()) {
    turn.Emit("operation.cancelled", operation->target(), LogLevel::kInfo, "operation cancelled",
              {{"operation", operation->name()},
               {"operation_kind", operation->kind()},
               {"author", event.caller.name}});
    return *parts.operations.Find(request.name());
  }
  admin::v1::Operation planned = *operation;
  planned.set_done(true);
  planned.set_error_code(static_cast<int32_t>(absl::StatusCode::kCancelled));
  planned.set_status("would be cancelled");
  planned.set_error_message(planned.status());
  return planned;
}

}  // namespace lb::controlplane
