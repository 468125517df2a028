// What surrounds the control plane in a simulation: backends that answer checks or not, DNS zones,
// and the configurations an operator writes. All from one seed. Threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/prng.h"
#include "controlplane/config/config.h"

namespace lb::sim {

class World final {
 public:
  explicit World(uint64_t seed);

  // A configuration of one to three rules with a random choice of everything.
  controlplane::Config RandomConfig();

  // Changes the answer of one name, or the health of one backend.
  void ChangeDns();
  void FlapBackend();
  // Everything works from now on.
  void Heal();

  bool IsUp(const Endpoint& address) const { return !down_.contains(address); }
  // The answer for a name; empty: the query fails.
  std::vector<Endpoint> Resolve(const Endpoint& name) const;

 private:
  static Endpoint Address(uint64_t rule, uint64_t kind, uint64_t index);

  Prng prng_;
  std::set<Endpoint> down_;
  std::map<Endpoint, std::vector<Endpoint>> zones_;
  bool dns_fails_ = false;
};

}  // namespace lb::sim
