// One stream's conversation with the control plane: messages in, messages out.
//
// What outlives a stream (configuration, health, slots, a drain) belongs to the worker and is lent;
// what a stream starts anew (parts under way, what was reported) is here. Knows neither gRPC nor
// Asio. Threading: the control thread.
#pragma once

#include <chrono>
#include <vector>

#include "absl/status/status.h"
#include "base/time.h"
#include "dataplane/control/config_lane.h"
#include "dataplane/control/connection_lane.h"
#include "dataplane/control/drainer.h"
#include "dataplane/control/health_lane.h"
#include "dataplane/control/log_lane.h"
#include "dataplane/control/rate_lane.h"
#include "dataplane/control/slot_lane.h"
#include "dataplane/control/snapshot_receiver.h"
#include "dataplane/control/stats_lane.h"
#include "dataplane/control/traffic.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::dataplane {

class Session final {
 public:
  static constexpr uint32_t kProtocol = 1;
  // A control plane that does not even greet is taken for hung.
  static constexpr Duration kWelcomeTimeout = std::chrono::seconds(10);
  static constexpr Duration kSlotInterval = std::chrono::milliseconds(200);
  static constexpr Duration kDefaultStatsInterval = std::chrono::seconds(1);
  static constexpr Duration kMinStatsInterval = std::chrono::milliseconds(100);
  static constexpr Duration kMaxStatsInterval = std::chrono::seconds(60);

  using Messages = std::vector<lb::worker::v1::ConnectRequest>;

  // What belongs to the worker; all of it outlives the session.
  struct Lent {
    StateRegistry& registry;
    Traffic& traffic;
    ConfigLane& config;
    Drainer& drainer;
    ConnectionLane& connections;
    LogLane& log;
  };
  struct Self {
    lb::type::v1::ProcessIdentity identity;
    uint32_t threads = 1;
    std::vector<std::string> took_over{};  // Incarnations, the newest first.
  };

  Session(Lent lent, Instant now);

  // The first message of the stream. Call once.
  lb::worker::v1::ConnectRequest Hello(const Self& self);

  // Handles one message and appends the answers to `out`. An error says how the control plane
  // broke the contract: end the stream with it. What was in force stays in force.
  absl::Status Take(const lb::worker::v1::ConnectResponse& message, Instant now, Messages& out);

  // Appends what is due: reports of slots, statistics and drains. Call it every kSlotInterval or
  // so. DeadlineExceeded: no Welcome came; end the stream.
  absl::Status Tick(Instant now, Messages& out);

  bool welcomed() const { return welcomed_; }

 private:
  absl::Status TakeWelcome(const lb::worker::v1::Welcome& welcome, Instant now);
  absl::Status TakePart(const lb::worker::v1::SnapshotPart& part, Messages& out);
  absl::Status TakeVersion(const lb::worker::v1::VersionUpdate& update, Messages& out);
  absl::Status TakeCommand(const lb::worker::v1::Command& command, Instant now);
  absl::Status TakeGrant(const lb::worker::v1::SlotGrant& grant, Messages& out);

  Lent lent_;
  SnapshotReceiver receiver_;
  HealthLane health_;
  SlotLane slots_;
  RateLane rates_;
  StatsLane stats_;
  bool welcomed_ = false;
  Instant welcome_deadline_;
  Duration stats_interval_ = kDefaultStatsInterval;
  Instant next_stats_;
  Instant next_slots_;
};

}  // namespace lb::dataplane
