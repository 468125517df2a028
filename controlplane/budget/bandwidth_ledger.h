// Every bandwidth limit of the host, shared out over the workers that use it: reports in, ratios
// out.
//
// A worker that is alone has all of it and reports nothing. Of several, each begins with an even
// part; once bytes pass for a client or to a backend in more than one, or in one of many, those get
// all of the limit: who is not throttled keeps what it uses and some more, the rest is divided by
// connections among those that are. That is flow-proportional sharing with max-min fairness
// (Raghavan et al., "Cloud Control with Distributed Rate Limiting", SIGCOMM 2007, 4.3). A worker
// that begins while others have everything may use its even part until its first report is
// answered. Pure; threading: none.
#pragma once

#include <cstdint>
#include <map>
#include <set>
#include <string>
#include <tuple>
#include <vector>

#include "base/time.h"
#include "controlplane/stream/worker_table.h"
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

  // Bytes per second; 0: no limit.
  struct Limit {
    double upload_bytes_per_s = 0;
    double download_bytes_per_s = 0;
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

  void Take(const WorkerKey& worker, const worker::v1::RateReport::Bandwidth& told, Instant now);
  static void Count(Way& way, uint64_t bytes_total, Duration time);
  using Messages = std::map<WorkerKey, std::vector<worker::v1::ConnectResponse>>;
  void SweepSome(Instant now);
  static void EraseOld(Uses& uses, Instant now);
  void Share(const Name& name, Uses& uses, Instant now, Messages& messages);

  std::map<Owner, Limit> limits_;
  double connected_ratio_ = 1;
  std::map<Name, Uses> uses_;
  std::set<Name> changed_;  // Since the last Settle.
  Name next_swept_;
};

}  // namespace lb::controlplane
