// The bandwidth limits of a worker by what they belong to, over all snapshots, and the part of them
// that this worker may use: one of limits of the host, another of those that hosts share.
//
// Threading: the control thread; the buckets it hands out are shared with the I/O threads.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/time.h"
#include "dataplane/limit/bandwidth.h"

namespace lb::dataplane {

class Bandwidths final {
 public:
  // The name of the limit of all rules without their own.
  static constexpr char kShared[] = "";

  // What a snapshot wants: clients by rule, backends by rule and name.
  struct Wanted {
    template <typename Buckets>
    struct Limit {
      std::shared_ptr<Buckets> buckets;
      BandwidthRates rates;
      bool shared = false;  // Over all hosts of the cluster.
    };
    std::map<std::string, Limit<ClientBuckets>> clients;
    std::map<std::pair<std::string, std::string>, Limit<BucketPair>> backends;

    bool empty() const { return clients.empty() && backends.empty(); }
  };

  // The buckets in force of this name, or new ones, which are put into `wanted`. Changes nothing
  // that is in force.
  std::shared_ptr<ClientBuckets> ClientsOf(const std::string& rule, const BandwidthRates& rates,
                                           Instant now, Wanted& wanted, bool shared = false) const;
  std::shared_ptr<BucketPair> BackendOf(const std::string& rule, const std::string& backend,
                                        const BandwidthRates& rates, Instant now, Wanted& wanted,
                                        bool shared = false) const;
  // These are in force now. Limits that are gone stay what they were for those who still use them.
  void Commit(Wanted wanted, Instant now);

  // What one limit's use is about.
  struct Name {
    std::string rule;
    ClientPrefix client = 0;
    std::string backend;  // Empty: of the client.
  };
  // What was used since it was told last, at most `most` of them; the next call tells of others.
  std::vector<std::pair<Name, BandwidthUse>> TakeUses(Instant now, size_t most);
  // Another part of one limit.
  void SetBudget(const Name& name, const BandwidthBudget& budget, Instant now);

  // True when others use the limits too, and the control plane wants to know who uses what.
  bool reports() const;

  // The part of every limit that this worker may use, above 0 and at most 1: of those of the host,
  // and of those that hosts share.
  struct Parts {
    double host_ratio = 1;
    double shared_ratio = 1;
  };
  void SetParts(const Parts& parts, Instant now);

  // Ends budgets, and forgets clients that are gone. Call it every 100 ms or so.
  void Step(Instant now);

  const Wanted& in_force() const { return in_force_; }

 private:
  void Apply(Instant now);
  double PartOf(bool shared) const { return shared ? parts_.shared_ratio : parts_.host_ratio; }

  Parts parts_;
  Wanted in_force_;
  std::map<std::pair<std::string, std::string>, BandwidthBudget> backend_budgets_;
  Instant sampled_at_{};
};

}  // namespace lb::dataplane
