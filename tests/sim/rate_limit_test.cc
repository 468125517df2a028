// Rate limits that several workers of a host share, on virtual time: the workers' real limiters and
// the control plane's real ledger, with the delays of a stream in between.
#include <gtest/gtest.h>

#include <cmath>
#include <deque>
#include <functional>
#include <memory>
#include <vector>

#include "base/prng.h"
#include "base/time.h"
#include "controlplane/budget/rate_ledger.h"
#include "dataplane/limit/rate_limiter.h"

namespace lb {
namespace {

using controlplane::RateLedger;
using controlplane::WorkerKey;
using dataplane::ClientPrefix;
using dataplane::RateLimiter;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr milliseconds kStep{5};
constexpr milliseconds kReportEvery{50};
constexpr milliseconds kDelay{5};  // Either way.
const Instant kStart{seconds(1'000)};

WorkerKey KeyOf(size_t worker) { return {"w" + std::to_string(worker), "1"}; }

class Host {
 public:
  Host(size_t workers, double rate_per_s, double burst, uint64_t seed)
      : prng_(seed), settings_{rate_per_s, burst, {}, 10'000} {
    ledger_.SetLimits({{"web", {rate_per_s, burst}}}, now_);
    for (size_t i = 0; i < workers; ++i) AddWorker();
    RunFor(milliseconds(200), [](size_t) { return std::vector<double>(); });
  }

  void AddWorker() {
    ledger_.Connect(KeyOf(workers_.size()), true);
    workers_.push_back(std::make_unique<Worker>(settings_, prng_.Next()));
  }
  // The control plane goes away, and what was on its way with it.
  void LoseControlPlane() {
    connected_ = false;
    in_flight_.clear();
    for (auto& worker : workers_) worker->limiter.SetShares(worker->fallback, now_);
  }

  // `rates(worker)` says the arrivals per second of clients 1, 2, ...
  void RunFor(Duration time, const std::function<std::vector<double>(size_t)>& rates) {
    const Instant end = now_ + time;
    for (; now_ < end; now_ += kStep) {
      Deliver();
      for (size_t i = 0; i < workers_.size(); ++i) {
        Arrive(*workers_[i], rates(i));
        Tick(i);
      }
      if (connected_) Settle();
    }
  }

  double arrived(ClientPrefix client) const { return Of(arrived_, client); }
  double admitted(ClientPrefix client) const { return Of(admitted_, client); }
  Instant now() const { return now_; }
  const RateLedger& ledger() const { return ledger_; }

 private:
  struct Worker {
    Worker(const RateLimiter::Settings& settings, uint64_t seed)
        : limiter(settings, {.quiet_ratio = 0.01, .report_ratio = 0}, {seed, seed}) {}
    RateLimiter limiter;
    RateLimiter::Shares fallback;
    Instant reported_at{};
  };
  struct InFlight {
    Instant due;
    std::function<void()> arrive;
  };

  static double Of(const std::vector<double>& counts, ClientPrefix client) {
    return client < counts.size() ? counts[client] : 0;
  }

  // A Poisson count (Knuth, TAOCP 2, 3.4.1).
  int Count(double mean) {
    const double least = std::exp(-mean);
    double product = 1;
    int count = -1;
    do {
      product *= static_cast<double>(prng_.Below(1u << 30)) / (1u << 30);
      ++count;
    } while (product > least);
    return count;
  }

  void Arrive(Worker& worker, const std::vector<double>& rates) {
    arrived_.resize(std::max(arrived_.size(), rates.size() + 1));
    admitted_.resize(arrived_.size());
    const double step_s = std::chrono::duration<double>(kStep).count();
    for (size_t client = 1; client <= rates.size(); ++client) {
      for (int i = Count(rates[client - 1] * step_s); i > 0; --i) {
        arrived_[client] += 1;
        if (worker.limiter.Admit(client, now_)) admitted_[client] += 1;
      }
    }
  }

  void Tick(size_t index) {
    Worker& worker = *workers_[index];
    worker.limiter.Step(now_);
    if (!connected_ || now_ - worker.reported_at < kReportEvery) return;
    worker.reported_at = now_;
    worker::v1::RateReport report;
    auto& limit = *report.add_limits();
    limit.set_rule("web");
    for (const RateLimiter::Usage& usage : worker.limiter.TakeUsage(false, now_)) {
      auto& client = *limit.add_clients();
      client.set_prefix(usage.client);
      client.set_arrivals(usage.arrivals);
      client.set_admitted(usage.admitted);
    }
    if (limit.clients().empty()) return;
    in_flight_.push_back(
        {now_ + kDelay, [this, index, report] { ledger_.Report(KeyOf(index), report, now_); }});
  }

  void Settle() {
    for (RateLedger::ToWorker& sent : ledger_.Settle(now_)) {
      const size_t index = std::stoul(sent.worker.id.substr(1));
      in_flight_.push_back(
          {now_ + kDelay, [this, index, grant = sent.message.rates()] { Take(index, grant); }});
    }
  }

  void Take(size_t index, const worker::v1::RateGrant& grant) {
    Worker& worker = *workers_[index];
    if (grant.has_shares()) {
      worker.fallback = {grant.shares().fallback_ratio(), 0};
      worker.limiter.SetShares({grant.shares().quiet_ratio(), grant.shares().report_ratio()}, now_);
    }
    for (const auto& budget : grant.budgets())
      worker.limiter.SetBudget({budget.prefix(), budget.rate_per_s(), budget.burst(),
                                budget.fill_growth(), seconds(budget.ttl().seconds())},
                               now_);
  }

  void Deliver() {
    while (!in_flight_.empty() && in_flight_.front().due <= now_) {
      const InFlight next = std::move(in_flight_.front());
      in_flight_.pop_front();
      next.arrive();
    }
  }

  Prng prng_;
  const RateLimiter::Settings settings_;
  Instant now_ = kStart;
  RateLedger ledger_;
  bool connected_ = true;
  std::vector<std::unique_ptr<Worker>> workers_;
  std::deque<InFlight> in_flight_;
  std::vector<double> arrived_;
  std::vector<double> admitted_;
};

class RateSharing : public testing::TestWithParam<size_t> {};

INSTANTIATE_TEST_SUITE_P(Workers, RateSharing, testing::Values(1, 2, 4, 8));

TEST_P(RateSharing, OneClientFarAboveTheLimitGetsTheLimit) {
  for (uint64_t seed = 1; seed <= 5; ++seed) {
    Host host(GetParam(), 100, 50, seed);
    const double each = 1'000.0 / static_cast<double>(GetParam());
    host.RunFor(seconds(10), [&](size_t) { return std::vector<double>{each}; });
    EXPECT_NEAR(host.admitted(1), 1'050, 0.03 * 1'050) << "seed " << seed;
  }
}

TEST_P(RateSharing, AllOfItInOneWorkerGetsTheLimitToo) {
  Host host(GetParam(), 100, 50, 7);
  host.RunFor(seconds(10),
              [&](size_t worker) { return std::vector<double>{worker == 0 ? 1'000.0 : 0.0}; });
  EXPECT_NEAR(host.admitted(1), 1'050, 0.03 * 1'050);
}

TEST_P(RateSharing, EachOfTwoHundredClientsGetsTheLimit) {
  Host host(GetParam(), 100, 50, 9);
  const double each = 1'000.0 / static_cast<double>(GetParam());
  host.RunFor(seconds(10), [&](size_t) { return std::vector<double>(200, each); });
  for (ClientPrefix client = 1; client <= 200; ++client)
    EXPECT_NEAR(host.admitted(client), 1'050, 0.03 * 1'050) << "client " << client;
}

TEST_P(RateSharing, ClientsBelowTheLimitAreHardlyEverRefused) {
  Host host(GetParam(), 100, 50, 11);
  const double each = 80.0 / static_cast<double>(GetParam());
  host.RunFor(seconds(60), [&](size_t) { return std::vector<double>(20, each); });
  double arrived = 0;
  double admitted = 0;
  for (ClientPrefix client = 1; client <= 20; ++client) {
    arrived += host.arrived(client);
    admitted += host.admitted(client);
  }
  EXPECT_LE(arrived - admitted, 0.001 * arrived);
}

TEST_P(RateSharing, AClientThatMovesBetweenWorkersGetsTheLimit) {
  Host host(GetParam(), 100, 50, 13);
  for (int turn = 0; turn < 10; ++turn) {
    host.RunFor(seconds(3), [&](size_t worker) {
      return std::vector<double>{worker == static_cast<size_t>(turn) % GetParam() ? 300.0 : 0.0};
    });
  }
  EXPECT_NEAR(host.admitted(1), 3'050, 0.05 * 3'050);
}

TEST_P(RateSharing, WithoutAControlPlaneNoLimitIsPassed) {
  Host host(GetParam(), 100, 50, 15);
  const double each = 1'000.0 / static_cast<double>(GetParam());
  const auto flood = [&](size_t) { return std::vector<double>{each, each}; };
  host.RunFor(seconds(5), flood);
  host.LoseControlPlane();
  host.RunFor(seconds(2), flood);  // Budgets still hold.
  const double before = host.admitted(1);
  host.RunFor(seconds(20), flood);
  EXPECT_LE(host.admitted(1) - before, 2'000 + 50 + 5);
  EXPECT_GE(host.admitted(1) - before, 0.97 * 2'000);
}

TEST_P(RateSharing, AWorkerThatJoinsBreaksNoLimit) {
  Host host(GetParam(), 100, 50, 17);
  const auto flood = [&](size_t) { return std::vector<double>{500}; };
  host.RunFor(seconds(5), flood);
  const double before = host.admitted(1);
  host.AddWorker();
  host.RunFor(seconds(10), flood);
  EXPECT_LE(host.admitted(1) - before, 1.03 * 1'000);
  EXPECT_GE(host.admitted(1) - before, 0.92 * 1'000);
}

TEST(RateSharingBounds, AMillionSourcesThatConnectOnceAreNobodysBusiness) {
  Host host(4, 100, 50, 19);
  std::vector<double> rates(20'000, 0.05);
  host.RunFor(seconds(10), [&](size_t) { return rates; });
  EXPECT_EQ(host.ledger().clients(), 0u);
}

}  // namespace
}  // namespace lb
