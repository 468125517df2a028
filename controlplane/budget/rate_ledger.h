// Every rate limit of the host, shared out over its workers: reports in, grants out.
//
// A worker that is alone uses the whole limit and reports nobody. Of several, each has a part for
// quiet clients, and a client that gets busy anywhere is given a budget in every one of them. What
// all may admit together stays within the limit, but for what a client takes before it is known
// (kOvercommit). A worker that is not connected but may be alive keeps its even part. Pure;
// threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/time.h"
#include "controlplane/budget/shared_bucket.h"
#include "controlplane/stream/worker_table.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

class RateLedger final {
 public:
  // How far the parts of quiet clients, together, may pass a limit.
  static constexpr double kOvercommit = 2;
  // A client above this much of its even part in one worker is reported.
  static constexpr double kReportPart = 0.5;
  static constexpr std::chrono::seconds kBudgetTtl{2};
  // Clients with budgets, over all limits; others go on with their quiet parts.
  static constexpr size_t kMaxClients = 65'536;
  // Budgets in one message.
  static constexpr int kMaxBudgets = 2'000;

  struct Limit {
    double rate_per_s = 1;
    double burst = 1;
    friend bool operator==(const Limit&, const Limit&) = default;
  };
  struct ToWorker {
    WorkerKey worker;
    worker::v1::ConnectResponse message;
  };

  // Sets the limits by the name of their rule; "" is that of all rules without their own. Clients
  // of a limit that stays keep their tokens.
  void SetLimits(std::map<std::string, Limit> limits, Instant now);

  // A worker that is known to live, without a stream.
  void Restore(const WorkerKey& worker) { workers_.try_emplace(worker); }
  // It said hello; `knows` is whether it can keep rate limits at all.
  void Connect(const WorkerKey& worker, bool knows);
  void Disconnect(const WorkerKey& worker);
  // Its process is gone.
  void Forget(const WorkerKey& worker);

  // Takes a report; what it says of limits that are not there is left out.
  void Report(const WorkerKey& worker, const worker::v1::RateReport& report, Instant now);

  // What is to be sent now, in order per worker.
  std::vector<ToWorker> Settle(Instant now);
  // When Settle has something to do next; Instant::max(): when something happens.
  Instant NextDeadline() const;

  // The clients of a limit that have budgets, or nullptr.
  struct Client {
    SharedBucket bucket;
    Instant due;
    std::map<WorkerKey, std::pair<SharedBucket::Budget, Instant>> sent;  // And when.
  };
  const Client* Find(const std::string& rule, uint64_t prefix) const;
  size_t clients() const { return due_.size(); }

  // Workers that share the limits, and those of them that have a stream.
  size_t workers() const { return workers_.size(); }
  size_t connected() const;
  std::vector<WorkerKey> Connected() const;

 private:
  struct Worker {
    bool connected = false;
    bool told = false;  // The shares in force.
  };
  struct Shared {
    Limit limit;
    std::map<uint64_t, Client> clients;  // By prefix.
  };
  using DueKey = std::pair<std::string, uint64_t>;  // Rule, prefix.
  using Messages = std::map<WorkerKey, std::vector<worker::v1::ConnectResponse>>;

  SharedLimit SharesOf(const Limit& limit) const;
  void SharesChanged();
  void SetDue(const DueKey& key, Client& client, Instant due);
  void TellShares(Messages& messages);
  bool Renew(const std::string& rule, uint64_t prefix, Client& client, const Limit& limit,
             Instant now, Messages& messages);
  static bool IsNews(const Client& client, const SharedBucket::Budget& budget, Instant now);

  std::map<WorkerKey, Worker> workers_;
  std::map<std::string, Shared> limits_;
  std::set<std::pair<Instant, DueKey>> due_;  // One for each client.
};

}  // namespace lb::controlplane
