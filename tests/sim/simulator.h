// One host in virtual time: the real control loop, model workers, and everything between them that
// can go wrong, all from one seed.
//
// Faults: messages delayed, streams cut on either side first, workers that crash and come back,
// some with the pid of a dead one, control planes that restart with or without their state,
// backends that flap, DNS that changes or fails, files that are bad, snapshots that are refused.
// After every event the invariants are checked; the first broken one ends the run. Threading: none.
//
// With a lost state folder one promise is weaker: where the first worker to say hello has not
// served yet, it may get slots that others still hold. Then the sum over a limit is not checked
// from such a start until every live worker has said hello and the sum is within the limit again,
// which must come to pass.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/prng.h"
#include "controlplane/loop/control_loop.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/fake_worker.h"
#include "tests/sim/world.h"

namespace lb::sim {

class Simulator final {
 public:
  struct Result {
    std::string violation;  // The first broken invariant; "" when all held.
    uint64_t trace_hash = 0;
    uint64_t events = 0;
  };

  // Simulated time with faults, and the bound within which everything has to agree after them:
  // a DNS retry, a bind retry, a lost-state wait and a few rounds of reports.
  static constexpr std::chrono::seconds kFaulty{120};
  static constexpr std::chrono::seconds kHealing{90};
  // And within which a slot that goes round among more workers than there are slots reaches one: a
  // turn, and a connection that ends.
  static constexpr std::chrono::seconds kOnItsWay{5};
  // How often a worker opens and closes connections, and reports.
  static constexpr std::chrono::milliseconds kTrafficRound{200};
  // Most messages on the way in one direction of one stream.
  static constexpr size_t kMaxOnTheWay = 500;

  explicit Simulator(uint64_t seed);

  // Runs it from first to last. Call once.
  Result Run();

 private:
  struct Stream {
    uint64_t process = 0;
    bool worker_open = true;
    bool plane_open = true;
    Instant last_up;
    Instant last_down;
    size_t on_the_way = 0;
    std::map<BackendKey, std::multiset<uint64_t>> grants_on_the_way;
    std::map<BackendKey, type::v1::HealthState> told;
    bool told_complete = false;
  };
  struct Machine {
    std::unique_ptr<FakeWorker> worker;
    uint64_t session = 0;  // Of the newest stream; 0 while disconnected.
  };

  // The control plane.
  void StartPlane(bool keep_state);
  void StopPlane();
  void Handle(const controlplane::Event& event);
  void Carry(std::vector<controlplane::Action> actions);
  void CarryOne(controlplane::Action& action);
  void CarryProbe(const controlplane::StartProbe& probe);
  void CarryQuery(const controlplane::ResolveName& query);
  void ArmTimer();
  void LoadConfig();
  void LoadBadFile();

  // Streams and workers.
  void StartWorker(size_t slot);
  uint32_t TakePid();
  void CrashWorker(size_t slot);
  void Connect(uint64_t process);
  void ToWorker(uint64_t session, const worker::v1::ConnectResponse& message);
  void FromWorker(uint64_t session, worker::v1::ConnectRequest message);
  void CutStream(uint64_t session);
  void EndOnPlane(uint64_t session, Duration delay);
  void EndOnWorker(uint64_t session, Duration delay);
  void DropIfOver(uint64_t session);
  void TrafficRound(uint64_t process);
  void ReportGone(uint32_t pid, uint64_t process);
  Machine* MachineOf(uint64_t process);

  // Faults.
  void NextFault();
  void Heal();
  Duration Delay();
  Duration Between(Duration low, Duration high);

  // Invariants.
  void Check();
  void NoteLimits();
  void CheckSlots();
  void CheckHealth();
  void CheckEnd();
  uint32_t CountNameless() const;  // Backends whose name resolves to nothing.
  void CheckWorkerAtEnd(const FakeWorker& worker, const type::v1::ConfigVersion& version);
  void CheckSharesAtEnd();
  uint64_t GrantedOf(const BackendKey& key) const;
  void CheckGrantedAtEnd(const BackendKey& key, uint64_t limit);
  uint64_t Potential(const BackendKey& key);
  admin::v1::Status AskStatus();
  void Violated(const std::string& what);
  void Trace(const std::string& text);

  Prng prng_;
  EventQueue queue_;
  World world_;
  bool faulty_ = true;
  Result result_;

  std::unique_ptr<controlplane::ControlLoop> plane_;
  uint64_t life_ = 0;  // Of the control plane; events for an older one are lost.
  std::string stored_;
  Instant timer_ = Instant::max();
  std::optional<controlplane::Config> config_;  // The newest good one that the plane was given.
  uint64_t loads_ = 0;                          // Of good files.
  std::map<Endpoint, controlplane::ProbeId> probing_;
  std::map<Endpoint, uint32_t> failed_in_a_row_;
  std::optional<admin::v1::Status> status_;
  uint64_t next_request_ = 1;

  std::vector<Machine> machines_;
  std::map<uint64_t, Stream> streams_;
  uint64_t next_session_ = 1;
  uint64_t next_incarnation_ = 1;
  uint32_t next_pid_ = 1000;
  uint64_t next_process_ = 1;
  std::map<uint64_t, uint32_t> dead_;  // Processes whose pid nobody has.

  std::map<BackendKey, uint64_t> limits_;  // Of config_, with every address a name can have.
  std::map<BackendKey, uint64_t> potential_;
  bool relaxed_ = false;        // See the top of the file.
  bool untold_ = false;         // No worker has said hello since the state was lost.
  std::set<uint64_t> greeted_;  // Workers that this life of the control plane has welcomed.
};

}  // namespace lb::sim
