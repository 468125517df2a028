// Every bandwidth limit, shared out over the workers that use it: reports in, ratios out.
//
// A worker that is alone has all of it and reports nothing. Of several, each begins with an even
// part; once bytes pass for a client or to a backend in more than one, or in one of many, those get
// all of the limit (DivideBandwidth). A worker that begins while others have everything may use its
// even part until its first report is answered.
//
// In the division of a limit that hosts share, each of the others is one more user, as it said
// last. What the others have not been told of long enough to make room for keeps to its even part.
// Pure; threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/time.h"
#include "controlplane/budget/bandwidth_hosts.h"
#include "controlplane/budget/bandwidth_use.h"
#include "controlplane/stream/worker_key.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

class BandwidthLedger final {
 public:
  static constexpr std::chrono::seconds kBudgetTtl{2};
  // A worker whose use was not reported for so long uses nothing.
  static constexpr std::chrono::milliseconds kForgetAfter{1000};
  // Limits in use that are shared out, over all; others go on with even parts.
  static constexpr size_t kMaxShared = 65'536;
  // Of these, looked at in one Settle to find those that nobody uses any more.
  static constexpr size_t kSweep = 1'000;
  // Reports that come closer together than this are one: of a control plane that was held up.
  static constexpr std::chrono::milliseconds kMinInterval{50};
  // Ratios in one message.
  static constexpr int kMaxBudgets = 2'000;

  // Other hosts have answered a use that was told to them so long ago, if one of their words and
  // one of ours may be lost.
  static constexpr std::chrono::milliseconds kAnswerAfter{500};

  // Bytes per second; 0: no limit.
  struct Limit {
    double upload_bytes_per_s = 0;
    double download_bytes_per_s = 0;
    bool shared = false;  // Over all hosts of the cluster.
  };
  // Whose limit it is: a client's of a rule ("": of all rules without their own), or a backend's.
  struct Owner {
    std::string rule;
    bool of_backends = false;
    friend auto operator<=>(const Owner&, const Owner&) = default;
  };
  struct ToWorker {
    WorkerKey worker;
    worker::v1::ConnectResponse message;
  };

  void SetLimits(std::map<Owner, Limit> limits);

  // How many workers there are, and how many of them have a stream: those without one keep their
  // even part.
  void SetWorkers(size_t all, size_t connected);
  void Forget(const WorkerKey& worker);

  // Of limits that hosts share: what those that have streams on all hosts may use, an even part of
  // one worker, and whether there are other hosts. As RateLedger divides.
  struct Cluster {
    double free_ratio = 1;
    double even_ratio = 1;
    bool has_others = false;
    friend bool operator==(const Cluster&, const Cluster&) = default;
  };
  void SetCluster(const Cluster& cluster);
  // Another host said this.
  void ReportHost(const std::string& host, const std::vector<BandwidthUse>& uses, Instant now);
  void ForgetHost(const std::string& host);
  void ForgetHosts();

  // Whether limits that hosts share are in use here.
  bool has_shared() const { return !shared_.empty(); }
  // What other hosts use of a shared limit, as they said of late, together.
  struct Others {
    size_t hosts = 0;
    uint64_t connections = 0;
    double upload_bytes_per_s = 0;
    double download_bytes_per_s = 0;
  };
  // `client` as in RateReport; 0 with a backend.
  Others OthersOf(const std::string& rule, uint64_t client, const std::string& backend,
                  Instant now) const;
  // The busiest uses of shared limits, those that are throttled first. Others are not told of from
  // now on.
  std::vector<BandwidthId> BeginRound(size_t most);
  // At most so many that began since they were asked for last.
  std::vector<BandwidthId> TakeNews(size_t most);
  // What is to be told of one now; absent: it is over.
  std::optional<BandwidthUse> Tell(BandwidthId id, Instant now);

  // Takes a report; what it says of limits that are not there is left out.
  void Report(const WorkerKey& worker, const worker::v1::RateReport& report, Instant now);

  // What is to be sent now.
  std::vector<ToWorker> Settle(Instant now);

  size_t shared() const { return uses_.size(); }

 private:
  struct Way {
    uint64_t bytes_total = 0;
    double bytes_per_s = 0;
    bool throttled = false;
  };
  struct Use {
    Way upload;
    Way download;
    uint32_t connections = 1;
    Instant at;
    double upload_ratio = 0;  // As sent.
    double download_ratio = 0;
    Instant sent_at{};
  };
  // Rule, client, backend.
  using Name = std::tuple<std::string, uint64_t, std::string>;
  using Uses = std::map<WorkerKey, Use>;
  struct Entry {
    Uses uses;
    std::optional<Instant> told_at{};  // To other hosts, first since they do not know of it.
  };
  using Entries = std::map<Name, Entry>;

  void Take(const WorkerKey& worker, const worker::v1::RateReport::Bandwidth& told, Instant now);
  static void Count(Way& way, uint64_t bytes_total, Duration time);
  using Messages = std::map<WorkerKey, std::vector<worker::v1::ConnectResponse>>;
  void SweepSome(Instant now);
  static void EraseOld(Uses& uses, Instant now);
  const Limit& LimitOf(const Name& name) const;
  static BandwidthId IdOf(const Name& name);
  Entries::iterator Erase(Entries::iterator at);
  void NoteShared(const Name& name);
  // The part of one direction for each worker.
  std::vector<double> Divide(const Name& name, const Entry& entry, Way Use::*way,
                             BandwidthUse::Way BandwidthUse::*way_of_host, double bytes_per_s,
                             Instant now) const;
  void Share(const Name& name, Entry& entry, Instant now, Messages& messages);
  static void Send(const Name& name, const Use& use, std::vector<worker::v1::ConnectResponse>& to);
  static BandwidthUse Sum(BandwidthId id, const Uses& uses);

  std::map<Owner, Limit> limits_;
  double connected_ratio_ = 1;
  Entries uses_;
  std::set<Name> changed_;  // Since the last Settle.
  Name next_swept_;
  Cluster cluster_;
  BandwidthHosts hosts_;
  std::map<BandwidthId, Name> shared_;  // Those in use of limits that hosts share.
  std::set<BandwidthId> news_;          // Of these, begun since TakeNews.
};

}  // namespace lb::controlplane
