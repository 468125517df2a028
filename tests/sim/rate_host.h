// A host whose workers share one rate limit: the workers' real limiters and the control plane's
// real ledger on virtual time, with the delays of a stream in between. Threading: none.
#pragma once

#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "controlplane/budget/rate_ledger.h"
#include "dataplane/limit/rate_limiter.h"

namespace lb::sim {

class RateHost final {
 public:
  // `rates(worker)` says the arrivals per second of clients 1, 2, ...
  using Rates = std::function<std::vector<double>(size_t)>;

  RateHost(size_t workers, double rate_per_s, double burst, uint64_t seed);

  void AddWorker();
  // The worker's process has no stream any more, or has one again.
  void LoseStream(size_t worker);
  void Reconnect(size_t worker);
  // The control plane goes away with what was on its way; a new one knows which workers there were,
  // and they connect.
  void LoseControlPlane();
  void StartControlPlane();
  // It does nothing (SIGSTOP): what workers report waits until it is continued.
  void StopControlPlane() { stopped_ = true; }
  void ContinueControlPlane() { stopped_ = false; }

  // The limit is taken away and set again.
  void RemoveLimit();
  void SetLimit();

  void RunFor(Duration time, const Rates& rates);

  double arrived(dataplane::ClientPrefix client) const { return Of(arrived_, client); }
  double admitted(dataplane::ClientPrefix client) const { return Of(admitted_, client); }
  Instant now() const { return now_; }
  controlplane::RateLedger& ledger() { return *ledger_; }

 private:
  struct Worker {
    Worker(const dataplane::RateLimiter::Settings& settings, uint64_t seed);
    dataplane::RateLimiter::Shares shares{.quiet_ratio = 0.01, .fallback_ratio = 0.01};
    dataplane::RateLimiter limiter;  // Begins with them.
    bool connected = false;
    bool told_all = false;  // In this stream.
    uint64_t stream = 0;
    Instant reported_at{};
  };
  struct InFlight {
    Instant due;
    bool to_control_plane;
    std::function<void()> arrive;
  };

  static double Of(const std::vector<double>& counts, dataplane::ClientPrefix client) {
    return client < counts.size() ? counts[client] : 0;
  }
  int Count(double mean);
  void Arrive(Worker& worker, const std::vector<double>& rates);
  void Report(size_t index);
  void Settle();
  void Take(size_t index, const worker::v1::RateGrant& grant);
  void Deliver();

  Prng prng_;
  const dataplane::RateLimiter::Settings settings_;
  Instant now_;
  std::unique_ptr<controlplane::RateLedger> ledger_;
  bool stopped_ = false;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::deque<InFlight> in_flight_;
  std::vector<double> arrived_;
  std::vector<double> admitted_;
};

}  // namespace lb::sim
