// A whole cluster in one process, on virtual time: hosts with control planes and workers, the
// network between them, and clients. The same seed and the same calls give the same run.
//
// Each host has lb.yaml with two rules: "web" limits the rate of each client over the cluster and
// the connections of each backend on the host, "pool" the connections of its backend.
// After everything that happens the invariants are checked; violation() is the first broken one.
// Threading: none.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "tests/sim/cluster_host.h"
#include "tests/sim/cluster_traffic.h"
#include "tests/sim/event_queue.h"
#include "tests/sim/swim_network.h"

namespace lb::sim {

class ClusterWorld final {
 public:
  struct Settings {
    size_t hosts = 5;
    size_t workers = 2;  // Of each host.
    Faults faults{};
    double rate_per_s = 100;  // Of each client, like the next.
    double burst = 100;
    uint64_t web_limit = 10;           // Connections of each backend of "web", on each host.
    uint64_t pool_limit = 100;         // Of the one of "pool".
    bool pool_is_cluster_wide = true;  // Else it is counted on each host.
    uint64_t seed = 1;
  };
  static constexpr char kWeb[] = "web";
  static constexpr char kPool[] = "pool";
  // How far a client may be from its limit in each 10 s of calm times, if it asks for more; one
  // that moves from host to host is unknown for a moment at each.
  static constexpr double kCalm = 0.05;
  static constexpr double kCalmMoving = 0.07;
  // And at most of rate and burst whatever happens: twice as much for hosts that hear nothing of
  // each other (their overcommit), and some for workers that begin with full buckets.
  static constexpr double kMostDisturbed = 2.2;
  // Steps without a step of time: with more of them something asks for the same over and over.
  static constexpr uint64_t kMostAtOnce = 100'000;
  // Between two looks at what cannot be checked after each step.
  static constexpr std::chrono::milliseconds kLookEvery{1'000};

  explicit ClusterWorld(const Settings& settings);

  // Starts all hosts at once.
  void Start();
  // So many clients of each rule, of all patterns in turn: those of "web" ask for three times their
  // limit each, those of "pool" together for one and a half of all its connections.
  void AddClients(size_t count);
  void RunFor(Duration time);
  // Asks every 100 ms; false when `limit` is over before.
  bool RunUntil(const std::function<bool()>& holds, Duration limit);

  // Hosts of different parts do not hear each other. Ends at the next call, or by Heal.
  void Split(const std::vector<int>& parts);
  void SetFaults(const Faults& faults) { network_.SetFaults(faults); }
  // No fault of the network, nobody held up or down: what was crashed starts.
  void Heal();
  // Backends of "web" that answer no checks.
  void SetBackendUp(size_t backend, bool up);
  // Another revision of the configuration, on all hosts within a second.
  void Reconfigure();

  ClusterHost& host(size_t index) { return *hosts_[index]; }
  size_t hosts() const { return hosts_.size(); }
  ClusterTraffic& traffic() { return traffic_; }
  const ClusterTraffic& traffic() const { return traffic_; }
  EventQueue& queue() { return queue_; }
  Instant now() const { return queue_.now(); }
  const Settings& settings() const { return settings_; }

  // Every control plane runs and sees all others alive, and nobody else.
  bool AllAreMembers();
  // Every worker is there and runs the newest configuration of its control plane.
  bool AllAreSynced();

  // The first broken invariant; "" while all hold.
  const std::string& violation() const { return violation_; }
  void Violated(const std::string& what);

  struct Counts {
    uint64_t steps = 0;    // Of the simulator.
    uint64_t events = 0;   // Of control planes.
    uint64_t packets = 0;  // Of membership, like the next; TCP is not counted.
    uint64_t bytes = 0;
    uint64_t usage_packets = 0;
    uint64_t usage_bytes = 0;
    uint64_t most_web = 0;   // Connections of one backend on one host.
    uint64_t most_pool = 0;  // On one host, or of the cluster where it is cluster-wide.
  };
  Counts counts() const;
  // A digest of everything that was done.
  uint64_t trace() const { return trace_; }

 private:
  struct Stream {
    size_t initiator = 0;
    uint64_t life = 0;  // Of the control plane that called.
    controlplane::swim::ExchangeId exchange = 0;
    Instant until;
    bool done = false;
    controlplane::swim::StreamId id = 0;  // Of the side that was called; 0: not there yet.
  };
  using StreamPtr = std::shared_ptr<Stream>;

  controlplane::Config ConfigOf(size_t host) const;

  // cluster_network.cc
  void Gossip(size_t host, controlplane::swim::ClusterAction& action);
  void Opened(size_t host, const controlplane::swim::OpenGossip& open);
  void Datagram(size_t from, const controlplane::swim::Address& to,
                controlplane::swim::ClusterEvent event);
  void Call(size_t host, controlplane::swim::StartExchange& call);
  void Arrived(size_t host, const StreamPtr& stream,
               const controlplane::swim::StreamMessage& message);
  void Reply(size_t host, controlplane::swim::StreamReply& reply);
  void End(const StreamPtr& stream, std::optional<controlplane::swim::StreamMessage> answer);

  void Look();
  bool IsDisturbed();
  void CheckRates();
  void CheckOpened(size_t host, const std::string& rule, const std::string& backend);
  void Trace(uint64_t value);

  const Settings settings_;
  Prng prng_;
  EventQueue queue_;
  const Instant begin_;
  SwimNetwork network_;
  std::vector<std::unique_ptr<ClusterHost>> hosts_;
  ClusterTraffic traffic_;
  std::map<controlplane::swim::StreamId, StreamPtr> streams_;
  controlplane::swim::StreamId next_stream_ = 1;
  std::set<size_t> backends_down_;
  uint64_t revision_ = 0;
  uint64_t steps_at_once_ = 0;  // Since time moved on.
  bool stuck_ = false;
  std::string violation_;
  Counts counts_;
  uint64_t trace_ = 0xcbf29ce484222325u;
};

}  // namespace lb::sim
