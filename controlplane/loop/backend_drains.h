// Drains of backends under way, by the number of their operation. Plain values; threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>

#include "base/time.h"
#include "controlplane/snapshot/backend_key.h"
#include "controlplane/snapshot/overrides.h"
#include "controlplane/stream/worker_key.h"

namespace lb::controlplane {

struct BackendDrain {
  BackendKey backend;
  Instant deadline;
  bool close_at_timeout = false;
  // Workers that may still open connections, or have not counted them since they stopped.
  std::set<WorkerKey> unsure;
  // After a restart: until then workers that have not come back yet are waited for.
  std::optional<Instant> wait_for_workers_until{};
  std::optional<uint64_t> kill{};  // The operation that closes the rest.
  // Connections that workers closed in the drain_timeout of the rule since it began, and what they
  // had closed of this backend in all when that was added up; nullopt: not known yet.
  uint64_t closed_by_workers = 0;
  std::optional<uint64_t> closed_seen{};
  // What was set for the backend when it began; nullopt: not known, since a release that did not
  // store it began the drain.
  std::optional<Override> before{};
};

using BackendDrains = std::map<uint64_t, BackendDrain>;

}  // namespace lb::controlplane
