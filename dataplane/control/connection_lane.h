// Orders to list and to kill connections: walks over the I/O threads, and what they found.
//
// Outlives sessions: a kill goes on while there is no control plane, and is reported again to the
// next one that sends the same order. Threading: the control thread.
#pragma once

#include <cstdint>
#include <deque>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/time.h"
#include "dataplane/control/traffic.h"
#include "dataplane/forward/connection_walk.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::dataplane {

class ConnectionLane final {
 public:
  using Messages = std::vector<lb::worker::v1::ConnectRequest>;

  static constexpr size_t kMaxLists = 64;  // Under way at once; more are not answered.
  static constexpr size_t kMaxKills = 32;  // Remembered, done or not; the oldest done goes.
  static constexpr uint32_t kMaxListed = 1'000;
  static constexpr uint32_t kMaxRate = 100'000;  // Per second.
  static constexpr Duration kStatusInterval = std::chrono::seconds(1);

  // `traffic` outlives the lane and has `threads` I/O threads.
  ConnectionLane(Traffic& traffic, size_t threads) : traffic_(traffic), threads_(threads) {}

  // Begins a list_connections or kill_connections, or stops a kill. A kill that is known already is
  // only reported again. InvalidArgument: it is not one of the contract's.
  absl::Status Take(const lb::worker::v1::Command& command, Instant now);

  // Lets kills go on; call it several times a second.
  void Step(Instant now);

  // Appends lists that are complete, and news of kills.
  void Report(Instant now, Messages& out);

  // The stream is gone, and with it who asked for lists.
  void ForgetLists() { lists_.clear(); }

 private:
  struct List {
    std::string id;
    std::shared_ptr<ConnectionWalk> walk;
  };
  struct Kill {
    std::string id;
    std::shared_ptr<ConnectionWalk> walk;
    uint32_t rate_per_s = 0;
    Instant allowed_until;  // What may be killed up to this instant has been allowed.
    Instant next_status;
    bool told_done = false;
  };

  absl::Status BeginKill(const lb::worker::v1::Command& command, ConnectionFilter filter,
                         Instant now);

  void StopKill(const std::string& id, Instant now);

  Traffic& traffic_;
  const size_t threads_;
  std::deque<List> lists_;
  std::deque<Kill> kills_;
  std::vector<std::string> refused_;  // Kills, not told yet.
  std::vector<std::string> unknown_;  // Kills to be stopped that are not known, not told yet.
};

}  // namespace lb::dataplane
