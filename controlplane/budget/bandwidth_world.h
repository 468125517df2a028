// Hosts that share one bandwidth limit of one client, on virtual time: each with the real ledgers
// and exchanges, one worker, and a network between them that loses and cuts. For tests. Threading:
// none.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "controlplane/budget/bandwidth_exchange.h"
#include "controlplane/budget/bandwidth_ledger.h"
#include "controlplane/budget/rate_ledger.h"
#include "controlplane/budget/usage_exchange.h"
#include "controlplane/membership/host_channel.h"

namespace lb::controlplane {

class BandwidthWorld final {
 public:
  struct Options {
    size_t hosts = 3;
    uint64_t loss_percent = 0;
    uint64_t seed = 1;
  };
  static constexpr double kLimit = 3'000'000;  // Bytes per second to the client.
  static constexpr std::chrono::milliseconds kStep{10};

  explicit BandwidthWorld(const Options& options);

  void RunFor(Duration time);

  // What the client could take from a host over so many connections; 0 bytes: nothing.
  void Want(size_t host, double bytes_per_s, uint32_t connections = 1);
  // Clients beside it, which take the whole limit each, and far less than it.
  void WantOthers(size_t host, uint64_t clients, double bytes_per_s);
  // Hosts of different groups do not reach each other.
  void SetGroup(size_t host, int group) { hosts_[host]->group = group; }
  // It says nothing any more, and its worker ends.
  void Crash(size_t host) { hosts_[host]->alive = false; }
  // The worker of a host loses its stream, and goes on with what it has.
  void LoseStream(size_t host);

  // Bytes that passed since the last call.
  double Take(size_t host);
  double TakeAll();
  // Of the limit, over so much time.
  double RatioOver(Duration time);
  BandwidthLedger& ledger(size_t host) { return hosts_[host]->ledger; }
  size_t most_bytes_per_word() const { return most_bytes_; }

 private:
  struct Host {
    HostChannel channel;
    RateLedger rates;
    UsageExchange usage{channel};
    BandwidthLedger ledger;
    BandwidthExchange exchange{channel};
    bool alive = true;
    bool has_stream = true;
    int group = 0;
    double want = 0;
    uint32_t connections = 1;
    uint64_t other_clients = 0;
    double others_bytes_per_s = 0;
    double others_total = 0;
    // The worker's.
    double part = 1;
    double ratio = 1;
    Instant budget_until{};
    double total = 0;
    double taken = 0;
    double told = 0;
    Instant report_at{};
  };
  struct Datagram {
    size_t to;
    int group;
    std::string bytes;
  };

  void Step();
  void Work(Host& host);
  void Report(Host& host);
  void Settle(Host& host);
  void Send(Host& host);
  void Deliver();

  const Options options_;
  Prng random_;
  Instant now_{std::chrono::seconds(1'000)};
  std::vector<std::unique_ptr<Host>> hosts_;
  std::vector<Datagram> flying_;
  size_t most_bytes_ = 0;
};

}  // namespace lb::controlplane
