// Hosts that share one limit on open connections, on virtual time: each with the real ledger and
// exchange, one worker, and a network between them that loses, delays and cuts. For tests.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <memory>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "controlplane/budget/slot_exchange.h"
#include "controlplane/budget/slot_ledger.h"
#include "controlplane/membership/host_channel.h"

namespace lb::controlplane {

class SlotWorld final {
 public:
  struct Options {
    size_t hosts = 5;
    size_t started = 0;  // The first of them are there from the start; 0: all.
    uint64_t limit = 100;
    uint64_t seed = 1;
    uint64_t loss_percent = 0;
    SlotExchange::Settings settings{};
  };
  static constexpr std::chrono::milliseconds kStep{10};

  explicit SlotWorld(const Options& options);

  // Every step asserts that no more connections are open than the limit, or were ever granted.
  void RunFor(Duration time);

  // How many connections clients of a host want to have open.
  void Want(size_t host, uint64_t connections) { hosts_[host].want = connections; }
  void WantAll(uint64_t connections);
  // Hosts of different groups do not reach each other.
  void SetGroup(size_t host, int group) { hosts_[host].group = group; }
  // These two do not reach each other; the others reach both.
  void Cut(size_t a, size_t b) { cut_.insert({std::min(a, b), std::max(a, b)}); }
  // Its control plane and its worker end at once; others hear of it 2 s later.
  void Crash(size_t host);
  // Its control plane comes back, with what it stored or without, and a new worker.
  void Start(size_t host, bool with_state = true);
  // What the configuration says from now on, of one host; 0: no limit.
  void SetLimit(size_t host, uint64_t limit);

  uint64_t held() const;
  uint64_t HeldBy(size_t host) const { return hosts_[host].held; }
  uint64_t most_held() const { return most_held_; }
  uint64_t most_granted() const { return most_granted_; }
  void ForgetMost() { most_held_ = most_granted_ = 0; }
  SlotExchange& exchange(size_t host) { return *hosts_[host].slots; }
  Instant now() const { return now_; }
  uint64_t bytes() const { return bytes_; }
  static std::string NameOf(size_t host) { return "h" + std::to_string(host + 1); }
  static const BackendKey& Key();

 private:
  struct Host {
    std::unique_ptr<HostChannel> channel;
    std::unique_ptr<SlotLedger> ledger;
    std::unique_ptr<SlotExchange> slots;
    std::string state;
    swim::Life life = 0;
    bool alive = false;
    int group = 0;
    uint64_t limit = 0;
    uint64_t want = 0;
    uint64_t held = 0;
    uint64_t granted = 0;
    uint64_t seq = 0;
    uint64_t told_held = 0;
    Instant told_at{};
  };
  struct Flying {
    Instant at;
    size_t from;
    size_t to;
    int group;
    std::string bytes;
  };
  struct News {
    Instant at;
    size_t about;
  };

  void Step();
  void RunHost(size_t index);
  void ServeClients(size_t index);
  void Deliver();
  void TellMembers();
  void Report(Host& host);
  static swim::Address AddressOf(size_t host);

  const Options options_;
  Prng random_;
  Instant now_{std::chrono::hours(1)};
  std::vector<Host> hosts_;
  std::vector<Flying> flying_;
  std::vector<News> failures_;
  std::set<std::pair<size_t, size_t>> cut_;
  uint64_t most_held_ = 0;
  uint64_t most_granted_ = 0;
  uint64_t bytes_ = 0;
  swim::Life next_life_ = 1;
};

}  // namespace lb::controlplane
