#include "controlplane/revision/confirmation.h"

#include <algorithm>

#include "controlplane/admin/duration_field.h"
#include "controlplane/admin/proto_time.h"

namespace lb::controlplane {

bool Confirmation::TooManyFailures(uint64_t connects, uint64_t failures) const {
  return max_connect_failure_ratio > 0 && connects >= kMinConnects &&
         static_cast<double>(failures) > max_connect_failure_ratio * static_cast<double>(connects);
}

void Confirmation::Store(state::v1::StoredState& state) const {
  state::v1::StoredState::Confirmation& stored = *state.mutable_confirmation();
  stored.set_digest(digest);
  stored.set_previous(previous);
  *stored.mutable_deadline_time() = ToProto(deadline_wall);
  stored.set_max_connect_failure_ratio(max_connect_failure_ratio);
}

std::optional<Confirmation> Confirmation::Restore(const state::v1::StoredState& state, Instant now,
                                                  WallTime wall) {
  if (!state.has_confirmation()) return std::nullopt;
  const state::v1::StoredState::Confirmation& stored = state.confirmation();
  Confirmation restored;
  restored.digest = stored.digest();
  restored.previous = stored.previous();
  restored.deadline_wall = FromProto(stored.deadline_time());
  // A wall clock that was set meanwhile must not make it wait for ever.
  const Duration left =
      std::clamp<Duration>(restored.deadline_wall - wall, Duration::zero(), kReturnRange.max);
  restored.deadline = now + left;
  restored.max_connect_failure_ratio = stored.max_connect_failure_ratio();
  return restored;
}

}  // namespace lb::controlplane
