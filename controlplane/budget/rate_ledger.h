// Every rate limit of the host, shared out over its workers: reports in, grants out.
//
// A worker that is alone uses the whole limit and reports nobody. Of several, each has a part for
// quiet clients, and a client that gets busy anywhere is given a budget in every one of them. What
// all may admit together stays within the limit, but for what a client takes before it is known
// (SetOvercommit). A worker that is not connected but may be alive keeps its part. The
// work of one turn is bounded; with very many busy clients each is looked at less often. Pure;
// threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "absl/status/status.h"
#include "base/time.h"
#include "controlplane/budget/rate_parts.h"
#include "controlplane/budget/shared_bucket.h"
#include "controlplane/budget/usage_queue.h"
#include "controlplane/stream/worker_key.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

class RateLedger final {
 public:
  // At least; as long as a budget is looked at kLooksPerTtl times.
  static constexpr std::chrono::seconds kBudgetTtl{2};
  static constexpr int kLooksPerTtl = 5;
  // Clients with budgets, over all limits; others have the parts used without a control plane. Four
  // limits may have as many busy clients as a worker has room for in each
  // (HotClients::kMaxClients).
  static constexpr size_t kMaxClients = 65'536;
  // Budgets in one message.
  static constexpr int kMaxBudgets = 2'000;
  // Budgets made in one window of time, some milliseconds of work; the rest follows in the next.
  static constexpr size_t kMaxBudgetsPerWindow = 4'096;
  static constexpr std::chrono::milliseconds kWindow{50};
  // Busy clients times workers that can all be looked at every SharedBucket::kInterval; with more
  // of them the interval grows.
  static constexpr size_t kBudgetsPerInterval =
      kMaxBudgetsPerWindow * (SharedBucket::kInterval / kWindow);
  // A client without an arrival for so long has its budgets renewed no more.
  static constexpr std::chrono::seconds kIdleAfter{1};
  // A turn that comes so much too late: the process was stopped, or starved, and workers helped
  // themselves; what they said meanwhile is read within kCatchUp.
  static constexpr std::chrono::seconds kLate{1};
  static constexpr std::chrono::milliseconds kCatchUp{500};

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
  void Restore(const WorkerKey& worker) { parts_.Restore(worker); }
  // It said hello; `knows` is whether it can keep rate limits at all.
  void Connect(const WorkerKey& worker, bool knows, Instant now);
  void Disconnect(const WorkerKey& worker) { parts_.Disconnect(worker); }
  // One that drains accepts nothing: its part is for the others.
  void SetDraining(const WorkerKey& worker, bool draining) { parts_.SetDraining(worker, draining); }
  // Its process is gone.
  void Forget(const WorkerKey& worker);

  // Takes a report; what it says of limits that are not there is left out.
  void Report(const WorkerKey& worker, const worker::v1::RateReport& report, Instant now);

  // What hosts tell each other of a client: absolute counts.
  struct Usage {
    std::string rule;
    uint64_t prefix = 0;
    double demand_per_s = 0;
    double slow_demand_per_s = 0;
    uint32_t used = 0;   // Tokens, since the host knows the client; modulo 2^32.
    bool young = false;  // See SharedBucket::HostTold.
  };
  // The other hosts as they are now.
  void SetOthers(const RateParts::Others& others) { parts_.SetOthers(others); }
  // How far a burst may pass its limit before it is known; at least 1.
  void SetOvercommit(double overcommit) { parts_.SetOvercommit(overcommit); }
  bool has_others() const { return parts_.has_others(); }
  double kept_ratio() const { return parts_.kept_ratio(); }
  // Of every limit: what those that serve, on all hosts, share.
  double free_ratio() const { return parts_.free_ratio(); }
  // What each worker is told to use of every limit by itself.
  RateParts::Told told() const { return parts_.told(); }
  // Another host said this; what is about limits that are not here is left out.
  // `watermark_ratio`: see HostWord.
  void ReportHost(const std::string& host, const std::vector<Usage>& usage, double watermark_ratio,
                  Instant now);
  void ForgetHost(const std::string& host);
  // At most so many of what the others should know: what changed most, and was told longest ago.
  // The work does not grow with the number of clients.
  std::vector<Usage> TakeUsage(size_t most, Instant now);
  // Clients that the others should have been told of, and were not for lack of room. With many of
  // them, as of some words ago.
  struct LeftOut {
    size_t clients = 0;
    double watermark_ratio = 0;  // The most that one is asked for, of its limit's rate.
  };
  LeftOut left_out() const;
  // The rule of a limit by UsageWord's hash of it, or nullptr.
  const std::string* FindRule(uint32_t hash) const;
  // Workers of this host that accept connections.
  size_t serving() const { return parts_.serving().size(); }
  // Whether there is some that should not wait.
  bool has_news() const { return has_news_; }

  // What is to be sent now, in order per worker.
  std::vector<ToWorker> Settle(Instant now);
  // When Settle has something to do next; Instant::max(): when something happens.
  Instant NextDeadline() const;

  // A budget, and until when it holds.
  struct Sent {
    SharedBucket::Budget budget;
    Instant renew_at;
  };
  // The clients of a limit that have budgets, or nullptr.
  struct Client {
    SharedBucket bucket;
    Instant began_at;
    Instant due;
    bool idle = false;
    std::map<WorkerKey, Sent> sent;
    // To other hosts, last; absent: never.
    std::optional<Instant> first_told_at{};
    Instant announced_at{};  // That something is asked for here, after a time in which nothing was.
    Instant told_at{};
    double told_demand_per_s = 0;
    uint64_t told_used = 0;
    int last_words = 1 << 20;        // Told since nothing is asked for; many, as it never was.
    std::optional<Instant> place{};  // In the queue of those that others are told of.
  };
  const Client* Find(const std::string& rule, uint64_t prefix) const;
  // What another host said of a client last; absent: nothing.
  std::optional<SharedBucket::HostUse> FindHost(const std::string& rule, uint64_t prefix,
                                                const std::string& host, Instant now) const;
  // Whether it has more busy clients than it can tell of, as it said last.
  bool LeavesOut(const std::string& host) const;
  size_t clients() const { return due_.size(); }
  // Whether other hosts have not heard of the client here, or could not answer yet.
  bool IsUnanswered(const Client& client, Instant now) const;

  // Workers that share the limits, and those of them that have a stream.
  size_t workers() const { return parts_.workers(); }
  size_t connected() const { return parts_.connected(); }
  std::vector<WorkerKey> Connected() const { return parts_.Connected(); }

  // Between two looks at one client.
  Duration interval() const;

 private:
  struct Shared {
    Limit limit;
    std::map<uint64_t, Client> clients;  // By prefix.
  };
  using DueKey = std::pair<std::string, uint64_t>;  // Rule, prefix.
  using Messages = std::map<WorkerKey, std::vector<worker::v1::ConnectResponse>>;

  SharedLimit ShareOf(const Limit& limit) const {
    SharedLimit share = parts_.ShareOf(limit.rate_per_s, limit.burst);
    share.hosts = &words_;
    return share;
  }
  void SetPlace(const DueKey& key, Client& client, std::optional<Instant> place);
  void Enqueue(const DueKey& key, Client& client, Instant now);
  void NoteUrgent(const DueKey& key);
  std::vector<DueKey> MostChanged(size_t most, Instant now);
  Usage Tell(const DueKey& key, Client& client, Instant now);
  void NoteLeftOut(Instant now);
  Client* FindClient(const DueKey& key);
  double NewsOf(const Client& client, const Limit& limit, Instant now) const;
  // Whether other hosts go by something that is far from what is asked for here.
  bool IsNews(const Client& client, const Limit& limit) const;
  void NoteLateTurn(Instant now);
  void SetDue(const DueKey& key, Client& client, Instant due);
  void SetIdle(Client& client, bool idle);
  Client* FindOrMake(const DueKey& key, Shared& shared, Instant now);
  void Take(const WorkerKey& key, const RateParts::Worker& worker, const std::string& rule,
            Shared& shared, const worker::v1::RateReport::Client& told, Instant now);
  void TellShares(Messages& messages);
  void Look(const DueKey& key, Messages& messages, Instant now);
  void Renew(const DueKey& key, Client& client, const Limit& limit, Instant now,
             Messages& messages);
  static bool IsNews(const Client& client, const SharedBucket::Budget& budget, Instant now);

  RateParts parts_;
  std::map<std::string, Shared> limits_;
  std::set<std::pair<Instant, DueKey>> due_;  // One for each client.
  size_t idle_clients_ = 0;
  size_t made_ = 0;  // Budgets, in the window that began last.
  Instant window_ends_at_{};
  Instant settled_at_{};
  Instant caught_up_at_{};                 // What is reported before is late.
  std::map<uint32_t, std::string> rules_;  // By hash.
  bool has_news_ = false;
  HostWords words_;
  UsageQueue queue_;
  LeftOut seen_left_out_;  // When everybody was seen last.
  LeftOut left_out_;       // Since then.
};

}  // namespace lb::controlplane
