// Hosts that share one rate limit over a network: what their control planes tell each other, with
// delay, loss and partitions, on virtual time. Threading: none.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "base/prng.h"
#include "controlplane/budget/host_book.h"
#include "tests/sim/rate_host.h"

namespace lb::sim {

class RateCluster final {
 public:
  struct Settings {
    size_t hosts = 5;
    size_t workers = 1;  // Of each host.
    double rate_per_s = 100;
    double burst = 100;
    double loss = 0;
    size_t entries = 60;  // Clients in one word.
    double overcommit = controlplane::RateParts::kOvercommit;
    uint64_t seed = 1;
  };
  // Arrivals per second of clients 1, 2, ... at a host's workers, together.
  using Rates = std::function<std::vector<double>(size_t host)>;

  explicit RateCluster(Settings settings);

  // Hosts of different parts do not hear each other.
  void SetPart(size_t host, int part) { nodes_[host].part = part; }
  // It is no more.
  void Crash(size_t host);

  void RunFor(Duration time, const Rates& rates);

  double arrived(dataplane::ClientPrefix client) const;
  double admitted(dataplane::ClientPrefix client) const;
  RateHost& host(size_t index) { return *nodes_[index].host; }
  Instant now() const { return nodes_.front().host->now(); }
  // From one host to one other, on the average since the start.
  double words_per_s() const;

 private:
  struct Node {
    std::unique_ptr<RateHost> host;
    std::unique_ptr<controlplane::HostBook> book;
    int part = 0;
    bool up = true;
    Instant tell_at;
    Instant told_at{};
  };
  struct Word {
    Instant due;
    size_t from;
    size_t to;
    controlplane::HostBook::Told told;
    double watermark_ratio;
    std::vector<controlplane::RateLedger::Usage> usage;
  };

  static std::string Name(size_t host) { return "host-" + std::to_string(host); }
  void Tell(size_t from);
  void Deliver();

  const Settings settings_;
  Prng prng_;
  std::vector<Node> nodes_;
  std::deque<Word> words_in_flight_;
  uint64_t words_ = 0;
  Instant began_at_;
};

}  // namespace lb::sim
