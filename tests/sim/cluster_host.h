// One host of a simulated cluster: a control plane (the real ControlLoop), its state on disk, and
// workers on streams. What the control plane tells other hosts goes out by a seam. Threading: none.
//
// Faults: the control plane is killed, stops by itself, is held up (SIGSTOP), or starts again from
// its state; workers crash; the machine goes away with all of it; the wall clock is set.
#pragma once

#include <cstdint>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/prng.h"
#include "controlplane/loop/control_loop.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/sim_worker.h"

namespace lb::sim {

class ClusterHost final {
 public:
  // Datagrams that wait for a control plane that is held up; more are lost, as by a socket's
  // buffer.
  static constexpr size_t kMaxWaiting = 512;

  struct Seams {
    EventQueue& queue;
    // Carries out what this host's member wants.
    std::function<void(controlplane::swim::ClusterAction&)> gossip;
    // Whether a backend answers checks.
    std::function<bool(const Endpoint&)> is_up;
    // A number of everything that is done, for the digest of a run.
    std::function<void(uint64_t)> trace;
    // Something that must not be.
    std::function<void(const std::string&)> violated;
  };

  ClusterHost(std::string name, size_t workers, uint64_t seed, Seams seams);

  // The machine with everything on it, from what is on its disk.
  void StartMachine();
  void CrashMachine();
  // The control plane alone. Stop says good-bye first.
  void StartControlPlane();
  void KillControlPlane();
  void StopControlPlane();
  // It does nothing until then; what comes meanwhile waits.
  void HoldUp(Duration time);
  void GoOn();
  void CrashWorker(size_t slot);
  void SetWallClock(Duration by) { wall_offset_ += by; }
  // The file on disk from now on, which a control plane that runs reads at once.
  void SetConfig(controlplane::Config config);

  // Of another host, or of the network.
  void Deliver(controlplane::swim::ClusterEvent event);
  // Whether something listens on its ports.
  bool listens() const { return plane_ != nullptr && open_; }

  const std::string& name() const { return name_; }
  // Where its member is reached. Requires a configuration with a cluster.
  const Endpoint& address() const { return config_->cluster->bind_addr; }
  bool is_machine_up() const { return machine_up_; }
  bool has_control_plane() const { return plane_ != nullptr; }
  bool is_held_up() const { return held_up_; }
  // Of the control plane that runs; each has another.
  uint64_t life() const { return life_; }
  // Its workers; nullptr where one is down.
  const std::vector<std::unique_ptr<SimWorker>>& workers() const { return workers_; }
  // What its control plane says of itself. Requires has_control_plane() and not is_held_up().
  admin::v1::Status Status();
  // Connections open to a backend, over all workers.
  uint64_t held(const std::string& rule, const std::string& backend) const;
  // Events that the control plane took.
  uint64_t events() const { return events_; }

 private:
  struct Link {
    uint64_t session = 0;  // Of the stream; 0: there is none.
    Instant last_up;
    Instant last_down;
  };

  // cluster_host.cc
  void Handle(const controlplane::Event& event);
  void Take(controlplane::Event event);
  void Carry(std::vector<controlplane::Action> actions);
  void CarryOne(controlplane::Action& action);
  void CarryProbe(const controlplane::StartProbe& probe);
  void ArmTimer();
  void LoadConfig();
  ClockReading Clocks() const;

  // cluster_streams.cc
  void StartWorker(size_t slot);
  void Connect(size_t slot, uint64_t process);
  void EndStream(size_t slot);
  void TickWorker(size_t slot, uint64_t process);
  void Up(size_t slot, worker::v1::ConnectRequest message);
  void UpAll(size_t slot, SimWorker::Messages messages);
  void Down(uint64_t session, const worker::v1::ConnectResponse& message);
  void TakeDown(uint64_t session, const worker::v1::ConnectResponse& message);
  void ReportGone(uint64_t process);
  std::optional<size_t> SlotOf(uint64_t session) const;
  SimWorker* Find(size_t slot, uint64_t process);
  Duration Between(Duration low, Duration high);

  const std::string name_;
  const Seams seams_;
  Prng prng_;
  std::optional<controlplane::Config> config_;
  std::string stored_;  // The state file.
  Duration wall_offset_{};
  bool machine_up_ = false;
  uint64_t boots_ = 0;

  std::unique_ptr<controlplane::ControlLoop> plane_;
  uint64_t life_ = 0;
  bool open_ = false;  // Its sockets.
  bool held_up_ = false;
  uint64_t holds_ = 0;
  std::deque<controlplane::Event> waiting_;
  size_t waiting_datagrams_ = 0;
  Instant timer_ = Instant::max();
  std::optional<admin::v1::Status> status_;
  uint64_t next_request_ = 1;
  uint64_t events_ = 0;

  std::vector<std::unique_ptr<SimWorker>> workers_;
  std::vector<Link> links_;
  std::set<uint64_t> processes_;  // Of workers that live.
  uint64_t next_session_ = 1;
  uint64_t next_process_ = 1;
};

}  // namespace lb::sim
