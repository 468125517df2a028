#include "controlplane/loop/stored_operations.h"

#include <algorithm>
#include <chrono>
#include <optional>

#include "absl/status/status.h"
#include "controlplane/admin/duration_field.h"
#include "controlplane/admin/proto_time.h"
#include "controlplane/loop/stored_override.h"

namespace lb::controlplane {
namespace {

using StoredOperation = state::v1::StoredState::Operation;

constexpr char kLost[] =
    "the control plane was restarted: workers go on with what they were told, and nobody counts; "
    "look at what is left, and ask again";

void RestoreDrain(const StoredOperation& stored, Parts& parts, Instant now) {
  BackendDrain& drain = parts.drains[stored.number()];
  drain = {.backend = {stored.rule(), stored.backend()},
           .deadline = now,
           .close_at_timeout = stored.close_at_timeout(),
           .unsure = {},
           .before = std::nullopt};
  if (stored.has_before()) drain.before = RestoreOverride(stored.before());
  drain.closed_by_workers = stored.operation().connections_closed();
  const Duration wall_now = now.time_since_epoch() + parts.wall_offset.value_or(Duration::zero());
  const Duration left = FromProto(stored.deadline_time()).time_since_epoch() - wall_now;
  // Whatever the wall clock says now.
  drain.deadline += std::clamp<Duration>(left, Duration::zero(), kDrainRange.max);
  for (const auto& [key, record] : parts.workers.workers()) drain.unsure.insert(key);
  drain.wait_for_workers_until = now + Parts::kLostStateWait;
}

}  // namespace

void RestoreOperations(const state::v1::StoredState& state, Parts& parts, Instant now) {
  parts.operations.RestoreLast(state.last_operation());
  for (const StoredOperation& stored : state.operations()) {
    parts.operations.Restore(stored);
    const WorkerKey worker{stored.worker_id(), stored.worker_incarnation()};
    if (stored.operation().done()) continue;
    if (!stored.rule().empty())
      RestoreDrain(stored, parts, now);
    else if (worker.id.empty())
      parts.operations.End(stored.number(), absl::StatusCode::kAborted, kLost);
    else if (parts.workers.Find(worker) == nullptr)
      parts.operations.Forget(worker);
  }
}

void StoreOperations(const Parts& parts, state::v1::StoredState& state) {
  parts.operations.Store(state);
  for (StoredOperation& stored : *state.mutable_operations()) {
    const auto it = parts.drains.find(stored.number());
    if (it == parts.drains.end() || stored.operation().done()) continue;
    const BackendDrain& drain = it->second;
    stored.set_rule(drain.backend.rule);
    stored.set_backend(drain.backend.backend);
    stored.set_close_at_timeout(drain.close_at_timeout);
    if (drain.before) StoreOverride(*drain.before, *stored.mutable_before());
    const Duration wall =
        drain.deadline.time_since_epoch() + parts.wall_offset.value_or(Duration::zero());
    *stored.mutable_deadline_time() =
        ToProto(WallTime(std::chrono::duration_cast<WallTime::duration>(wall)));
  }
}

}  // namespace lb::controlplane
