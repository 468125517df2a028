// One client's token bucket that several workers share: what each may admit, from what each is
// asked for and what all have admitted.
//
// Each worker has a bucket of its own, whose rate and burst are its part of the limit by demand;
// what was admitted in all is kept in one more bucket here, whose debt or surplus corrects the
// rates, so that the sum is exact in the long run. Shares by demand are from Raghavan et al.,
// "Cloud Control with Distributed Rate Limiting", SIGCOMM 2007; the correction by a common bucket
// is our own. Pure; threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "controlplane/budget/client_demand.h"
#include "controlplane/stream/worker_key.h"

namespace lb::controlplane {

// Another host, as it was heard last.
struct HostWord {
  Instant heard_at;
  // It has more busy clients than it can tell of: those it did not speak of ask it for up to so
  // much of their limit's rate; 0: for nothing.
  double watermark_ratio = 0;
};
using HostWords = std::map<std::string, HostWord>;  // By name.

// How one limit is shared out now.
struct SharedLimit {
  // Of an even part: what everybody may always admit.
  static constexpr double kFloor = 0.1;

  double rate_per_s = 1;  // Of those that are connected, together.
  double burst = 1;
  double quiet_ratio = 1;  // The part that a worker uses without a budget, of rate and burst.
  double members = 1;      // Workers that share it, on all hosts.
  double floor_ratio = kFloor;
  const HostWords* hosts = nullptr;  // None that is heard is missing; null: there are none.
};

class SharedBucket final {
 public:
  // Between two looks at the demand; the jumps that cannot wait are looked at after kMinInterval.
  static constexpr std::chrono::milliseconds kInterval{200};
  static constexpr std::chrono::milliseconds kMinInterval{50};

  struct Budget {
    WorkerKey worker;
    double rate_per_s = 0;
    double burst = 0;
    bool fill_growth = false;  // There is plenty.
  };

  // What a worker says of the client.
  struct Told {
    uint64_t arrivals = 0;  // Totals.
    uint64_t admitted = 0;
    uint64_t missing = 0;  // Tokens, in its own bucket.
    uint64_t stream = 0;   // In which it says so.
    // Of the burst, what the worker had for itself until this stream began.
    double brought = 0;
    // It was said while nobody listened.
    bool late = false;
  };

  // A host without news for so long does what it did; for kGone, it still asks for its part.
  static constexpr std::chrono::seconds kHold{1};
  static constexpr std::chrono::seconds kGone{3};

  // Of a host that has more busy clients than it can tell of, what it said holds so long.
  static constexpr std::chrono::seconds kHoldLeftOut{4};

  // What another host says of the client, over all its workers.
  struct HostTold {
    double demand_per_s = 0;
    double slow_demand_per_s = 0;
    uint32_t used = 0;   // As used(), there; modulo 2^32.
    bool young = false;  // It knows the client since just now: all that was used is news.
  };

  explicit SharedBucket(double burst, Instant now)
      : tokens_(burst), tokens_at_(now), moved_at_(now), admitted_noted_at_(now) {}

  // The first of a stream, one with totals below the last ones and those that are late only say
  // where the counts stand: what was admitted before was not of this bucket, but for what is
  // missing in the worker's own. True when a look at the demand should not wait.
  bool Report(const WorkerKey& worker, const Told& told, const SharedLimit& limit, Instant now);
  void Forget(const WorkerKey& worker) { members_.erase(worker); }

  // Absolute counts: what was lost on the way is made up for by the next. True when the client is
  // news of this host, or asks for far more there than before.
  bool ReportHost(const std::string& host, const HostTold& told, const SharedLimit& limit,
                  Instant now);
  void ForgetHost(const std::string& host) { hosts_.erase(host); }

  // Looks at the demand and returns what each of `workers` may admit.
  std::vector<Budget> Divide(const std::vector<WorkerKey>& workers, const SharedLimit& limit,
                             Instant now);

  // When an arrival was last reported.
  Instant moved_at() const { return moved_at_; }
  // Arrivals per second over all workers of this host.
  double demand_per_s() const;
  double slow_demand_per_s() const;
  // Connections per second that this host's workers admitted of late.
  double admitted_per_s() const { return admitted_.rate(); }
  // What another host said last.
  struct HostUse {
    double demand_per_s = 0;
    double admitted_per_s = 0;
    Instant told_at{};
    bool counts = false;  // Still.
  };
  std::optional<HostUse> FindHost(const std::string& name, const SharedLimit& limit,
                                  Instant now) const;
  // Tokens that this host's workers took, since it began.
  uint64_t used() const { return used_; }
  // What is left of the burst; below 0: that much was admitted too early.
  double tokens() const { return tokens_; }
  uint64_t admitted_total() const { return admitted_total_; }

 private:
  struct Member {
    ClientDemand demand;
    uint64_t arrivals = 0;  // Reported last.
    uint64_t admitted = 0;
    uint64_t fresh = 0;  // Arrivals since the demand was looked at.
    Instant looked_at;
    uint64_t stream = 0;
    uint64_t late_missing = 0;  // Booked for what is late.
  };
  // Another host. What it will have used until its next word is foretold, so that the delay of its
  // word makes no error: dead reckoning.
  struct Host {
    double rate = 0;
    double slow_rate = 0;
    uint32_t used = 0;
    Instant told_at;
    double used_per_s = 0;
    bool measured = false;  // used_per_s, by two words.
    double foretold = 0;    // Since it was told.
  };
  // The demand of all those who share.
  struct Sum {
    double rate = 0;
    double slow_rate = 0;
    double members = 1;
    double unknown = 0;   // Part of the rate: at most, of hosts that cannot tell of everybody.
    bool unsure = false;  // There are such hosts.
    Duration late{};      // What some host told is older than kHold by so much.
  };

  void Refill(const SharedLimit& limit, Instant now);
  void Book(double change, const SharedLimit& limit);
  void Rebase(Member& member, const Told& told, const SharedLimit& limit, Instant now);
  static void Count(Member& member, uint64_t arrivals, Instant now);
  Sum LookAtDemand(const std::vector<WorkerKey>& workers, const SharedLimit& limit, Instant now);
  // Until when the host did what it said last: while it is heard, unless it would have said more.
  static Instant HoldsUntil(const std::string& name, const Host& host, const SharedLimit& limit);
  // What the host takes now: as it did of late, or else its part by demand.
  double UsePerS(const Host& host, const SharedLimit& limit, double demand) const;
  static bool Counts(const std::string& name, const Host& host, const SharedLimit& limit,
                     Instant now);
  void AddUnknown(const SharedLimit& limit, Instant now, Sum& sum) const;
  void NoteAdmitted(Instant now);
  void Foretell(const SharedLimit& limit, Instant now);
  Budget BudgetOf(const WorkerKey& worker, const Sum& sum, const SharedLimit& limit) const;

  double tokens_;
  Instant tokens_at_;
  Instant moved_at_;
  uint64_t admitted_total_ = 0;
  uint64_t used_ = 0;
  ClientDemand admitted_;
  uint64_t admitted_noted_ = 0;
  Instant admitted_noted_at_;
  std::map<WorkerKey, Member> members_;
  std::map<std::string, Host> hosts_;
};

}  // namespace lb::controlplane
