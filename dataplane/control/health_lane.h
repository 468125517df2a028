// The health lane of one session: complete updates, in parts, then changes.
//
// The first update of a session is complete; nothing of it is used before its last part is there,
// so that no backend is taken for unknown in between. Threading: the control thread.
#pragma once

#include <map>

#include "absl/status/status.h"
#include "base/time.h"
#include "dataplane/snapshot/state_registry.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::dataplane {

class HealthLane final {
 public:
  // `registry` outlives the lane.
  explicit HealthLane(StateRegistry& registry) : registry_(registry) {}

  // Passes one update on to the backends. InvalidArgument: the sender broke the contract.
  // ResourceExhausted: more backends than a worker remembers.
  absl::Status Take(const lb::worker::v1::HealthUpdate& update, Instant now);

 private:
  absl::Status TakeComplete(const lb::worker::v1::HealthUpdate& update, Instant now);
  absl::Status TakeChanges(const lb::worker::v1::HealthUpdate& update, Instant now);

  StateRegistry& registry_;
  bool began_ = false;       // The session has had a complete update.
  bool collecting_ = false;  // Between the parts of one.
  std::map<BackendKey, Health> collected_;
};

// What the health in a Hello may weigh: the whole message has to stay below gRPC's bound of 4 MiB,
// and the slots in it have to be complete.
inline constexpr size_t kMaxHelloHealthBytes = 1u << 20;

// For the Hello: what this worker was told last, the unhealthy first. What passes
// kMaxHelloHealthBytes is left out, and so is unknown to a control plane that lost its state.
void AppendHealth(const StateRegistry& registry, lb::worker::v1::Hello& hello);

// Adds what is known of one backend.
void AddHealth(const BackendKey& key, Health health, lb::worker::v1::HealthUpdate& update);

}  // namespace lb::dataplane
