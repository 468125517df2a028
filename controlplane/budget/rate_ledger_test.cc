#include "controlplane/budget/rate_ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <ctime>
#include <map>
#include <vector>

#include "base/time.h"

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const Instant kStart{seconds(1'000)};
const WorkerKey kA{"a", "1"};
const WorkerKey kB{"b", "1"};

class RateLedgerTest : public testing::Test {
 protected:
  RateLedgerTest() { ledger_.SetLimits({{"web", {100, 50}}}, kStart); }

  // The shares in the last message to each worker; counts the budgets.
  std::map<WorkerKey, worker::v1::RateGrant::Shares> Settle() {
    std::map<WorkerKey, worker::v1::RateGrant::Shares> shares;
    budgets_ = 0;
    for (const RateLedger::ToWorker& sent : ledger_.Settle(now_)) {
      const worker::v1::RateGrant& grant = sent.message.rates();
      if (grant.has_shares()) shares[sent.worker] = grant.shares();
      budgets_ += static_cast<size_t>(grant.budgets_size());
      bytes_ += sent.message.ByteSizeLong();
    }
    return shares;
  }
  void Report(const WorkerKey& worker, uint64_t first, uint64_t clients, uint64_t total) {
    worker::v1::RateReport report;
    worker::v1::RateReport::Limit& limit = *report.add_limits();
    limit.set_rule("web");
    for (uint64_t prefix = first; prefix < first + clients; ++prefix) {
      worker::v1::RateReport::Client& client = *limit.add_clients();
      client.set_prefix(prefix);
      client.set_arrivals(total);
      client.set_admitted(total);
    }
    ledger_.Report(worker, report, now_);
  }
  // The budgets of so much time.
  size_t RunFor(Duration time) {
    size_t budgets = 0;
    const Instant end = now_ + time;
    for (; ledger_.NextDeadline() <= end; budgets += budgets_) {
      now_ = std::max(now_, ledger_.NextDeadline());
      Settle();
    }
    now_ = end;
    return budgets;
  }

  Instant now_ = kStart;
  RateLedger ledger_;
  size_t budgets_ = 0;
  size_t bytes_ = 0;
};

TEST_F(RateLedgerTest, AWorkerWithoutAStreamKeepsWhatItWasTold) {
  ledger_.Connect(kA, true, now_);
  EXPECT_EQ(Settle().at(kA).fallback_ratio(), 1);
  ledger_.Disconnect(kA);
  ledger_.Connect(kB, true, now_);
  const auto least = Settle().at(kB);
  EXPECT_LE(least.quiet_ratio(), 0.1);
  EXPECT_LE(least.fallback_ratio(), 0.1);
  EXPECT_GT(least.fallback_ratio(), 0);
  ledger_.Forget(kA);
  EXPECT_EQ(Settle().at(kB).quiet_ratio(), 1);
}

TEST_F(RateLedgerTest, WorkersThatAreRestoredHaveEvenParts) {
  ledger_.Restore(kA);
  ledger_.Restore(kB);
  ledger_.Connect(kA, true, now_);
  EXPECT_EQ(Settle().at(kA).fallback_ratio(), 0.5);
  ledger_.Connect(kB, true, now_);
  const auto shares = Settle();
  EXPECT_EQ(shares.at(kA).quiet_ratio(), 1) << "twice an even part";
  EXPECT_EQ(shares.at(kB).fallback_ratio(), 0.5);
}

TEST_F(RateLedgerTest, OtherHostsHaveNoPartOfWhatCountsOnThisHostAlone) {
  ledger_.Connect(kA, true, now_);
  EXPECT_EQ(Settle().at(kA).host_ratio(), 1);
  ledger_.SetOthers({.serving = 4, .kept_ratio = 0.2, .side_ratio = 0.5});
  const auto alone = Settle().at(kA);
  EXPECT_EQ(alone.host_ratio(), 1);
  EXPECT_LT(alone.fallback_ratio(), 0.1);
  ledger_.Connect(kB, true, now_);
  EXPECT_EQ(Settle().at(kA).host_ratio(), 0.5);
  ledger_.Disconnect(kB);
  EXPECT_EQ(Settle().at(kA).host_ratio(), 0.5) << "the other half is kept";
  ledger_.Forget(kB);
  EXPECT_EQ(Settle().at(kA).host_ratio(), 1);
}

TEST_F(RateLedgerTest, WithoutOvercommitThePartsOfQuietClientsAreTheLimit) {
  ledger_.Connect(kA, true, now_);
  ledger_.SetOthers({.serving = 4});
  EXPECT_DOUBLE_EQ(Settle().at(kA).quiet_ratio(), 0.4);
  ledger_.SetOvercommit(1);
  EXPECT_DOUBLE_EQ(Settle().at(kA).quiet_ratio(), 0.2) << "told anew";
  ledger_.SetOvercommit(100);
  EXPECT_EQ(Settle().at(kA).quiet_ratio(), 1);
}

TEST_F(RateLedgerTest, OneThatDrainsIsNotCounted) {
  ledger_.Connect(kA, true, now_);
  ledger_.Connect(kB, true, now_);
  EXPECT_GT(Settle().at(kB).report_ratio(), 0);
  ledger_.SetDraining(kA, true);
  EXPECT_EQ(Settle().at(kB).report_ratio(), 0) << "it is alone";
  ledger_.Disconnect(kA);
  EXPECT_EQ(Settle().at(kB).fallback_ratio(), 1);
}

TEST_F(RateLedgerTest, WhoIsIdleIsNotRenewed) {
  ledger_.Connect(kA, true, now_);
  ledger_.Connect(kB, true, now_);
  Settle();
  Report(kA, 1, 1, 5);
  EXPECT_GT(RunFor(seconds(2)), 0u);
  EXPECT_EQ(RunFor(seconds(5)), 0u);
  ASSERT_NE(ledger_.Find("web", 1), nullptr);
  Report(kA, 1, 1, 6);
  EXPECT_EQ(RunFor(milliseconds(100)), 2u) << "back at once";
  RunFor(seconds(20));
  EXPECT_EQ(ledger_.Find("web", 1), nullptr);
}

TEST_F(RateLedgerTest, TheWorkOfATurnIsBounded) {
  const std::vector<WorkerKey> workers{kA, kB, {"c", "1"}, {"d", "1"}};
  for (const WorkerKey& worker : workers) ledger_.Connect(worker, true, now_);
  Settle();
  // Of the processor: others may use it meanwhile.
  const auto cpu_ms = [] { return 1e3 * static_cast<double>(std::clock()) / CLOCKS_PER_SEC; };
  double longest_ms = 0;
  double all_ms = 0;
  size_t turns = 0;
  size_t budgets = 0;
  constexpr uint64_t kChunk = 2'048;
  constexpr int kSeconds = 4;
  for (int second = 1; second <= kSeconds; ++second) {
    for (const WorkerKey& worker : workers)
      for (uint64_t first = 0; first < RateLedger::kMaxClients; first += kChunk)
        Report(worker, first, kChunk, 10 * static_cast<uint64_t>(second));
    for (const Instant end = kStart + seconds(second); ledger_.NextDeadline() < end;) {
      now_ = std::max(now_, ledger_.NextDeadline());
      const double began_ms = cpu_ms();
      Settle();
      const double took_ms = cpu_ms() - began_ms;
      longest_ms = std::max(longest_ms, took_ms);
      all_ms += took_ms;
      ++turns;
      budgets += budgets_;
      ASSERT_LE(budgets_, RateLedger::kMaxBudgetsPerWindow + workers.size());
    }
    now_ = kStart + seconds(second);
  }
  EXPECT_EQ(ledger_.clients(), RateLedger::kMaxClients);
  const double per_s = static_cast<double>(budgets) / kSeconds;
  std::printf(
      "%zu clients, 4 workers: %.1f ms a turn at most, %.0f ms in a second, %.0f budgets and "
      "%.1f MB of messages in a second\n",
      RateLedger::kMaxClients, longest_ms, all_ms / kSeconds, per_s,
      static_cast<double>(bytes_) / 1e6 / kSeconds);
  EXPECT_LE(per_s, 1.1 * static_cast<double>(seconds(1) / RateLedger::kWindow *
                                             RateLedger::kMaxBudgetsPerWindow));
  // Some milliseconds; twenty times as much with an address sanitizer.
  EXPECT_LT(all_ms / static_cast<double>(turns), 200);
  EXPECT_GT(ledger_.interval(), seconds(2));
}

TEST_F(RateLedgerTest, TheWorkOfAWordDoesNotGrowWithTheClients) {
  ledger_.Connect(kA, true, now_);
  ledger_.SetOthers({.serving = 4});
  Settle();
  constexpr uint64_t kChunk = 2'048;
  for (const uint64_t total : {10u, 20u}) {
    for (uint64_t first = 0; first < RateLedger::kMaxClients; first += kChunk)
      Report(kA, first, kChunk, total);
    RunFor(milliseconds(900));
  }
  constexpr int kWords = 40;
  std::set<uint64_t> told;
  const double began = static_cast<double>(std::clock());
  for (int i = 0; i < kWords; ++i) {
    now_ += milliseconds(50);
    for (const RateLedger::Usage& usage : ledger_.TakeUsage(60, now_)) told.insert(usage.prefix);
  }
  const double each_ms =
      1e3 * (static_cast<double>(std::clock()) - began) / CLOCKS_PER_SEC / kWords;
  std::printf("%zu clients: %.2f ms a word\n", ledger_.clients(), each_ms);
  EXPECT_EQ(told.size(), 60u * kWords) << "others each time";
  // Some tenths of a millisecond; twenty times as much with an address sanitizer.
  EXPECT_LT(each_ms, 30);
}

}  // namespace
}  // namespace lb::controlplane
