// What configuration the worker runs, and the judgement over every version it is offered.
//
// All or nothing: a version is in force, or refused with its reason and nothing changed. Lives as
// long as the worker: a new stream goes on where the old one ended. Threading: the control thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>

#include "base/time.h"
#include "dataplane/control/snapshot_receiver.h"
#include "dataplane/control/traffic.h"
#include "dataplane/snapshot/state_registry.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::dataplane {

class ConfigLane final {
 public:
  using Clock = std::function<Instant()>;

  // `traffic` and `registry` outlive the lane. `clock` is read around an apply, to tell how long
  // it took.
  ConfigLane(Traffic& traffic, StateRegistry& registry, Clock clock)
      : traffic_(traffic), registry_(registry), clock_(std::move(clock)) {}

  // Judges a received snapshot and puts it in force if it is good. Returns the Ack or Nack.
  lb::worker::v1::ConnectRequest Offer(const SnapshotReceiver::Received& received);

  // Judges one as Offer does, but for what only binding its addresses tells, and puts
  // nothing in force. False: it is refused.
  bool WouldRun(const SnapshotReceiver::Received& received);

  // Renames what runs. Returns the Ack, a Nack when the version is older than the running one, or
  // nullopt when the digest is not the running one: the sender is mistaken about this worker.
  std::optional<lb::worker::v1::ConnectRequest> Rename(const lb::type::v1::ConfigVersion& version);

  // The version in force; nullopt before the first.
  const std::optional<lb::type::v1::ConfigVersion>& running() const { return running_; }
  // The serialised snapshot in force, as it came; empty before the first.
  const std::string& snapshot() const { return snapshot_; }
  // The tables in force; null before the first.
  const std::shared_ptr<const Tables>& tables() const { return tables_; }

  // Why the newest version was refused, for people: "revision 5: bind_failed: 0.0.0.0:80: ...";
  // empty when it was not.
  const std::string& refusal() const { return refusal_; }

  uint64_t applies_total() const { return applies_total_; }
  // Refused versions by reason, "bind_failed".
  const std::map<std::string, uint64_t>& refused_total() const { return refused_total_; }

 private:
  lb::worker::v1::ConnectRequest Accept(const lb::type::v1::ConfigVersion& version, Duration took);
  lb::worker::v1::ConnectRequest Refuse(const lb::type::v1::ConfigVersion& version,
                                        lb::worker::v1::Nack nack);
  lb::worker::v1::ConnectRequest Apply(const SnapshotReceiver::Received& received);

  Traffic& traffic_;
  StateRegistry& registry_;
  const Clock clock_;
  std::optional<lb::type::v1::ConfigVersion> running_;
  std::string snapshot_;
  std::shared_ptr<const Tables> tables_;
  std::string refusal_;
  uint64_t applies_total_ = 0;
  std::map<std::string, uint64_t> refused_total_;
};

}  // namespace lb::dataplane
