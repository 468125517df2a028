// A model of lb-worker's side of the protocol: what it runs, what it may open, what it holds.
//
// It checks what it is sent as the contract demands; a breach is a violation of the control
// plane's. Messages go out through `send`, which the simulator sets per stream. Threading: none.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/prng.h"
#include "controlplane/snapshot/backend_key.h"
#include "lb/type/v1/snapshot.pb.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::sim {

using controlplane::BackendKey;

class FakeWorker final {
 public:
  using Send = std::function<void(worker::v1::ConnectRequest)>;

  struct Faults {
    uint64_t refuse_percent = 0;  // Snapshots refused.
    bool saturate = false;        // Opens as many connections as it may, and more.
  };

  struct Slots {
    uint64_t granted = 0;
    uint64_t held = 0;
    uint64_t peak = 0;
    uint64_t refused = 0;
  };

  FakeWorker(std::string id, uint64_t incarnation, uint32_t pid, uint64_t process, uint64_t seed);

  // A new stream is there: says hello.
  void Connected(Send send);
  void Disconnected() { send_ = nullptr; }

  // Takes a message; returns what the contract forbids about it, or "".
  std::string Take(const worker::v1::ConnectResponse& message, const Faults& faults);

  // Opens and closes some connections, and reports use if it changed.
  void Traffic(const Faults& faults);

  const std::string& id() const { return id_; }
  uint32_t pid() const { return pid_; }
  // Unlike a pid, of one process only: when it started.
  uint64_t process() const { return process_; }
  bool connected() const { return send_ != nullptr; }
  const std::optional<type::v1::ConfigVersion>& running() const { return running_; }
  const std::map<BackendKey, Slots>& slots() const { return slots_; }
  const std::map<BackendKey, type::v1::HealthState>& health() const { return health_; }
  bool draining() const { return draining_; }

 private:
  std::string TakePart(const worker::v1::SnapshotPart& part, const Faults& faults);
  std::string TakeVersion(const type::v1::ConfigVersion& version);
  std::string TakeHealth(const worker::v1::HealthUpdate& update);
  std::string TakeGrant(const worker::v1::SlotGrant& grant);
  std::string Finish(const type::v1::ConfigVersion& version, const Faults& faults);
  void Ack(const type::v1::ConfigVersion& version);
  void Refuse(const type::v1::ConfigVersion& version, worker::v1::Nack::Reason reason);
  void Report(bool always);
  void TryOpen(const BackendKey& key);

  std::string id_;
  std::string incarnation_;
  uint32_t pid_;
  uint64_t process_;
  Prng prng_;
  Send send_;
  std::optional<type::v1::ConfigVersion> running_;
  type::v1::Snapshot snapshot_;
  std::string received_;
  std::optional<type::v1::ConfigVersion> receiving_;
  std::set<std::string> refused_for_good_;  // Digests, in this session.
  std::map<BackendKey, type::v1::HealthState> health_;
  bool health_began_ = false;
  bool health_more_ = false;
  std::map<BackendKey, Slots> slots_;
  std::map<BackendKey, Slots> told_;
  uint64_t seq_ = 0;
  bool welcomed_ = false;
  bool draining_ = false;
};

}  // namespace lb::sim
