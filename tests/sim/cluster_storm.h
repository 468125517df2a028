// Faults of a simulated cluster from a seed, one after the other, and what must be when they are
// over. Threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "base/prng.h"
#include "tests/sim/cluster_world.h"

namespace lb::sim {

// How long everything needed after the last fault; below 0: longer than the bar.
struct Convergence {
  double members_s = -1;  // Until every host sees all others.
  double synced_s = -1;   // Until every worker runs the newest configuration.
  // What busy clients got of their limit in the first 10 s from kShareTime on, and in the next.
  double least_first = 1e9;
  double most_first = 0;
  double least_next = 1e9;
  double most_next = 0;
};

class ClusterStorm final {
 public:
  // Bar 15 of the membership's design, an exchange of tables every 30 s and 5 s, is that of two
  // halves: three parts of few hosts may need two exchanges, one after the other.
  static constexpr std::chrono::seconds kMembersBar{65};
  static constexpr std::chrono::seconds kSyncedBar{35};
  // Shares are right so long after all are members.
  static constexpr std::chrono::seconds kShareTime{2};
  // What a busy client gets of its limit over 10 s then: what it had too much is still paid back.
  static constexpr double kLeastFirst = 0.88;
  static constexpr double kMostFirst = 1.12;

  // `loss` is the highest, of datagrams and segments. Outlives nothing: `world` does.
  ClusterStorm(ClusterWorld& world, double loss, uint64_t seed)
      : world_(world), loss_(loss), prng_(seed) {}

  // Lets faults happen for so long. Several are there at once.
  void Rage(Duration time);
  // No fault any more: measures how all comes together again, and takes what misses its bar for a
  // violation.
  Convergence Calm();

  // How often each happened.
  const std::map<std::string, uint64_t>& faults() const { return faults_; }

 private:
  void Next(Instant end);
  void Happen(const char* fault);
  void Split();
  void Crash(size_t host);
  void CheckRates(Convergence& result);
  bool IsBusy(const ClusterTraffic::Record& record) const;
  Duration Between(Duration low, Duration high);

  ClusterWorld& world_;
  const double loss_;
  Prng prng_;
  uint64_t storms_ = 0;
  std::map<std::string, uint64_t> faults_;
};

// A world that is good, `rounds` storms of so long, each with a calm.
struct StormOutcome {
  std::string violation;  // "" when all held.
  uint64_t trace = 0;
  uint64_t steps = 0;
};
StormOutcome RunStorms(const ClusterWorld::Settings& settings, double loss, Duration faulty,
                       size_t rounds);

}  // namespace lb::sim
