// What this worker runs with, as one value for a process that replaces it while no control plane
// can be reached. Threading: the control thread.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/status.h"
#include "base/time.h"
#include "dataplane/control/config_lane.h"
#include "dataplane/snapshot/state_registry.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::dataplane {

class Keepsake final {
 public:
  // Both outlive it.
  Keepsake(ConfigLane& config, StateRegistry& registry) : config_(config), registry_(registry) {}

  // Remembers what the control plane said, as far as nobody else does.
  void Note(const lb::worker::v1::ConnectResponse& message);

  // Another number whenever Save may give another value; 0 before the first configuration.
  uint64_t changes() const { return config_.running() ? config_.applies_total() + noted_ : 0; }

  // A serialised lb.handover.v1.Keepsake; empty before the first configuration.
  std::string Save() const;

  // Reads a saved one and takes what it says of it, all but the configuration and the rights to
  // slots. Errors: it is none, or its configuration is refused.
  absl::Status Read(const std::string& saved, Instant now);
  // Puts the configuration of the one that was read in force. Errors: it was refused after all.
  absl::Status Restore();

  // Gives up all rights to slots that are not in use, as a serialised lb.worker.v1.SlotGrant. Call
  // it after accepting has stopped.
  std::string GiveUpRights();
  // Adds rights that another process gave up. InvalidArgument: they are none.
  absl::Status TakeRights(const std::string& rights);

 private:
  absl::Status Refused() const;

  ConfigLane& config_;
  StateRegistry& registry_;
  lb::worker::v1::TicketKeys ticket_keys_;
  lb::worker::v1::RateGrant::Shares shares_;
  uint64_t noted_ = 0;  // Messages that changed something but the configuration's content.
  SnapshotReceiver::Received read_;  // Not in force yet.
};

}  // namespace lb::dataplane
