#include "controlplane/budget/bandwidth_ledger.h"

#include <gtest/gtest.h>

#include <chrono>

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const WorkerKey kOne{"w-1", "a"};
const WorkerKey kTwo{"w-2", "b"};
const Instant kStart{seconds(1'000)};

class BandwidthLedgerTest : public testing::Test {
 protected:
  BandwidthLedgerTest() {
    ledger_.SetLimits({{{"", false}, {0, 1'000'000}}, {{"web", true}, {0, 1'000'000}}});
    ledger_.SetWorkers(2, 2);
  }

  // A tenth of a second in which a client got so many bytes from a worker.
  void Use(const WorkerKey& worker, uint64_t bytes, bool throttled, uint32_t connections) {
    worker::v1::RateReport report;
    auto& told = *report.add_bandwidths();
    told.set_prefix(7);
    told.set_download_bytes_total(total_[worker] += bytes);
    told.set_download_throttled(throttled);
    told.set_connections(connections);
    ledger_.Report(worker, report, now_);
  }

  // The newest ratio of each worker.
  void Settle() {
    for (const BandwidthLedger::ToWorker& to : ledger_.Settle(now_))
      for (const auto& budget : to.message.rates().bandwidths()) {
        EXPECT_EQ(budget.prefix(), 7u);
        EXPECT_EQ(budget.upload_ratio(), 1) << "no limit";
        ratio_[to.worker] = budget.download_ratio();
      }
    now_ += milliseconds(100);
  }

  BandwidthLedger ledger_;
  std::map<WorkerKey, uint64_t> total_;
  std::map<WorkerKey, double> ratio_;
  Instant now_ = kStart;
};

TEST_F(BandwidthLedgerTest, WhoIsAloneInUsingItGetsAllOfIt) {
  Use(kOne, 50'000, true, 1);
  Settle();
  EXPECT_DOUBLE_EQ(ratio_[kOne], 1);
  EXPECT_EQ(ratio_.count(kTwo), 0u);
}

TEST_F(BandwidthLedgerTest, TheThrottledDivideByConnections) {
  for (int i = 0; i < 10; ++i) {
    Use(kOne, 50'000, true, 3);
    Use(kTwo, 50'000, true, 1);
    Settle();
  }
  EXPECT_NEAR(ratio_[kOne] + ratio_[kTwo], 1, 0.02);
  EXPECT_NEAR(ratio_[kOne], 0.74, 0.02);
}

TEST_F(BandwidthLedgerTest, WhoNeedsLittleKeepsItAndTheOtherGetsTheRest) {
  for (int i = 0; i < 20; ++i) {
    Use(kOne, 10'000, false, 5);  // A tenth of the limit.
    Use(kTwo, 80'000, true, 1);
    Settle();
  }
  EXPECT_NEAR(ratio_[kOne], 0.125, 0.01);
  EXPECT_NEAR(ratio_[kTwo], 0.875, 0.01);
}

TEST_F(BandwidthLedgerTest, WhatOtherHostsUseIsOneSumUntilTheySayNoMore) {
  const BandwidthId id = IdOfBandwidth("", 7, "");
  ledger_.ReportHost("lb-2", {{.id = id, .upload = {500, false}, .download = {}, .connections = 2}},
                     now_);
  ledger_.ReportHost(
      "lb-3", {{.id = id, .upload = {250, true}, .download = {90'000, true}, .connections = 3}},
      now_ + seconds(1));
  BandwidthLedger::Others others = ledger_.OthersOf("", 7, "", now_ + seconds(1));
  EXPECT_EQ(others.hosts, 2u);
  EXPECT_EQ(others.connections, 5u);
  EXPECT_EQ(others.upload_bytes_per_s, 750);
  EXPECT_EQ(others.download_bytes_per_s, 90'000);
  EXPECT_EQ(ledger_.OthersOf("web", 7, "", now_).hosts, 0u);
  others = ledger_.OthersOf("", 7, "", now_ + seconds(2));
  EXPECT_EQ(others.hosts, 1u);
  EXPECT_EQ(others.connections, 3u);
}

TEST_F(BandwidthLedgerTest, WhoStopsGivesItsPartBack) {
  Use(kOne, 50'000, true, 1);
  Use(kTwo, 50'000, true, 1);
  Settle();
  EXPECT_NEAR(ratio_[kOne], 0.5, 0.01);
  for (int i = 0; i < 11; ++i) {
    Use(kOne, 50'000, true, 1);
    Settle();
  }
  EXPECT_DOUBLE_EQ(ratio_[kOne], 1);
}

TEST_F(BandwidthLedgerTest, AWorkerWithoutAStreamKeepsItsEvenPart) {
  ledger_.SetWorkers(2, 1);
  Use(kOne, 50'000, true, 1);
  Settle();
  EXPECT_DOUBLE_EQ(ratio_[kOne], 0.5);
}

TEST_F(BandwidthLedgerTest, ClientsThatStoppedAreForgotten) {
  for (uint64_t i = 0; i < 70'000; ++i) {
    worker::v1::RateReport report;
    report.add_bandwidths()->set_prefix(i);
    ledger_.Report(kOne, report, now_);
  }
  EXPECT_EQ(ledger_.shared(), BandwidthLedger::kMaxShared);
  ledger_.Settle(now_);
  now_ += seconds(2);
  for (int i = 0; i < 100; ++i) ledger_.Settle(now_);
  EXPECT_EQ(ledger_.shared(), 0u);
  Use(kOne, 50'000, true, 1);
  Settle();
  EXPECT_DOUBLE_EQ(ratio_[kOne], 1) << "there is room for a new one";
}

TEST_F(BandwidthLedgerTest, ReportsThatWereHeldUpAreNoBurst) {
  for (int i = 0; i < 20; ++i) {
    Use(kOne, 10'000, false, 1);  // A tenth of the limit.
    Use(kTwo, 80'000, true, 1);
    Settle();
  }
  // Three of them at once.
  for (int i = 0; i < 3; ++i) {
    now_ += milliseconds(1);
    Use(kOne, 10'000, false, 1);
    Use(kTwo, 80'000, true, 1);
  }
  Settle();
  EXPECT_NEAR(ratio_[kTwo], 0.875, 0.05);
}

TEST_F(BandwidthLedgerTest, WhoBeginsMayUseAnEvenPartUntilItIsKnown) {
  for (int i = 0; i < 20; ++i) {
    Use(kOne, 100'000, true, 1);
    Settle();
  }
  Use(kTwo, 1'000, false, 1);
  Settle();
  EXPECT_NEAR(ratio_[kTwo], 0.5, 0.15);
}

TEST_F(BandwidthLedgerTest, WhatIsNotLimitedIsNotKept) {
  worker::v1::RateReport report;
  report.add_bandwidths()->set_rule("gone");
  ledger_.Report(kOne, report, now_);
  EXPECT_EQ(ledger_.shared(), 0u);
  Use(kOne, 1, true, 1);
  EXPECT_EQ(ledger_.shared(), 1u);
  ledger_.SetLimits({});
  EXPECT_EQ(ledger_.shared(), 0u);
}

}  // namespace
}  // namespace lb::controlplane
