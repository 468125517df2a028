// The pages of a worker: "/livez", "/readyz", "/metrics". Threading: the control thread.
#pragma once

#include <cstdint>
#include <string>

#include "base/http_server.h"
#include "base/time.h"
#include "dataplane/control/config_lane.h"
#include "dataplane/control/drainer.h"
#include "dataplane/forward/forwarder.h"
#include "dataplane/snapshot/state_registry.h"

namespace lb::dataplane {

class WorkerPages final {
 public:
  // What only the worker knows.
  struct State {
    bool connected = false;  // To the control plane, and welcomed.
    bool ending = false;     // By a signal.
    bool restored = false;  // The configuration is what a process before left; nobody confirmed it.
    uint64_t reconnects_total = 0;
  };

  // All of them outlive it.
  WorkerPages(Forwarder& forwarder, const StateRegistry& registry, const ConfigLane& config,
              const Drainer& drainer)
      : forwarder_(forwarder), registry_(registry), config_(config), drainer_(drainer) {}

  // 404 for a path that is none of them.
  HttpReply Page(const std::string& path, const State& state, Instant now) const;

  // One line: what this worker does, for people.
  std::string Status(const State& state) const;

 private:
  HttpReply Liveness() const;
  HttpReply Readiness(const State& state) const;
  HttpReply Metrics(const State& state, Instant now) const;

  Forwarder& forwarder_;
  const StateRegistry& registry_;
  const ConfigLane& config_;
  const Drainer& drainer_;
};

}  // namespace lb::dataplane
