#include "controlplane/budget/client_slot_ledger.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <chrono>
#include <map>
#include <numeric>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "base/prng.h"
#include "controlplane/budget/slot_division.h"

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;

constexpr uint64_t kPrefix = 7;
constexpr milliseconds kInterval{50};

WorkerKey Key(int i) { return {"worker-" + std::to_string(i), "a"}; }

// A worker as dataplane/limit/client_connections.h has it, with one client. Messages take an
// interval each way.
class Worker {
 public:
  explicit Worker(uint64_t quiet) : quiet_(quiet) {}

  bool Open() {
    if (held_ >= slots()) {
      ++refused_;
      return false;
    }
    ++held_;
    news_ = true;
    return true;
  }
  void Close() {
    --held_;
    news_ = true;
  }
  void Take(const worker::v1::RateGrant::ClientSlots& grant, Instant now) {
    if (!granted_ || grant.seq() != seq_) news_ = true;
    granted_ = grant.slots();
    seq_ = grant.seq();
    until_ = now + std::chrono::seconds(grant.ttl().seconds());
  }
  void Step(Instant now) {
    if (!granted_ || now < until_) return;
    granted_.reset();
    seq_ = 0;
  }
  std::optional<worker::v1::RateReport> TakeReport() {
    const bool told = granted_ || refused_ > 0 || held_ >= (quiet_ + 1) / 2;
    if (!told || (!news_ && refused_ == 0)) return std::nullopt;
    news_ = false;
    worker::v1::RateReport report;
    auto& to = *report.add_client_slots();
    to.set_rule("web");
    to.set_prefix(kPrefix);
    to.set_held(held_);
    to.set_slots(slots());
    to.set_refused(std::exchange(refused_, 0));
    to.set_seq(seq_);
    return report;
  }

  uint64_t held() const { return held_; }
  uint64_t slots() const { return granted_.value_or(quiet_); }

 private:
  const uint64_t quiet_;
  std::optional<uint64_t> granted_;
  uint64_t held_ = 0;
  uint64_t refused_ = 0;
  uint64_t seq_ = 0;
  Instant until_{};
  bool news_ = false;
};

class ClientSlotLedgerTest : public ::testing::Test {
 protected:
  void Start(int count, uint64_t cap) {
    std::set<WorkerKey> keys;
    for (int i = 0; i < count; ++i) {
      workers_.emplace(Key(i), Worker(std::max<uint64_t>(1, cap / static_cast<uint64_t>(count))));
      keys.insert(Key(i));
    }
    ledger_.SetWorkers(keys.size(), keys, now_);
    ledger_.SetLimits({{"web", cap}}, now_);
  }

  Worker& At(int i) { return workers_.at(Key(i)); }

  // One interval: what was sent before arrives, and what is new is sent.
  void Step() {
    now_ += kInterval;
    auto reports = std::exchange(reports_, {});
    for (auto& [key, worker] : workers_) {
      for (auto& grant : std::exchange(grants_[key], {})) worker.Take(grant, now_);
      worker.Step(now_);
      if (auto report = worker.TakeReport()) reports_.emplace_back(key, *std::move(report));
    }
    for (const auto& [key, report] : reports) ledger_.Report(key, report, now_);
    for (const auto& [key, message] : ledger_.Settle(now_))
      for (const auto& slots : message.rates().client_slots()) grants_[key].push_back(slots);
  }
  void Run(milliseconds time) {
    for (milliseconds t{0}; t < time; t += kInterval) Step();
  }

  uint64_t Held() const {
    return std::accumulate(
        workers_.begin(), workers_.end(), uint64_t{0},
        [](uint64_t sum, const auto& entry) { return sum + entry.second.held(); });
  }

  ClientSlotLedger ledger_;
  Instant now_ = Instant(std::chrono::hours(1));
  std::map<WorkerKey, Worker> workers_;
  std::map<WorkerKey, std::vector<worker::v1::RateGrant::ClientSlots>> grants_;
  std::vector<std::pair<WorkerKey, worker::v1::RateReport>> reports_;
};

TEST_F(ClientSlotLedgerTest, OneBusyWorkerGetsAllButASmallReserve) {
  Start(4, 100);
  for (int i = 0; i < 40; ++i) {
    for (int n = 0; n < 10; ++n) At(0).Open();
    Step();
  }
  EXPECT_GE(At(0).held(), 95u);
  EXPECT_LE(Held(), 100u);
  EXPECT_TRUE(At(1).Open());  // Out of the reserve.
}

TEST_F(ClientSlotLedgerTest, ACapBelowTheWorkersIsHeldOnceTheyAreKnown) {
  Start(4, 1);
  for (int i = 0; i < 4; ++i) EXPECT_TRUE(At(i).Open());
  Run(milliseconds(500));
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(At(i).Open());
  for (int i = 0; i < 4; ++i) At(i).Close();
  Run(milliseconds(2000));
  EXPECT_TRUE(At(2).Open());
  Run(milliseconds(300));
  for (int i = 0; i < 4; ++i) EXPECT_FALSE(At(i).Open());
}

TEST_F(ClientSlotLedgerTest, NeverMoreThanTheCapAndNearlyAllOfItWhateverTheClientDoes) {
  for (const uint64_t cap : {4u, 20u, 100u, 1000u}) {
    SCOPED_TRACE(cap);
    workers_.clear();
    grants_.clear();
    reports_.clear();
    ledger_ = ClientSlotLedger();
    Start(4, cap);
    Prng prng(cap);
    for (int round = 0; round < 400; ++round) {
      // Now and then it prefers another worker, and lets go of what it has.
      const int favourite = round / 40 % 4;
      for (uint64_t n = 0; n < cap; ++n)
        At(prng.Next() % 4 == 0 ? static_cast<int>(prng.Next() % 4) : favourite).Open();
      ASSERT_LE(Held(), cap);
      if (round % 40 == 39) {
        EXPECT_GE(Held() * 100, cap * 95);
        for (auto& [key, worker] : workers_)
          for (uint64_t n = worker.held() / 2; n > 0; --n) worker.Close();
      }
      Step();
    }
  }
}

TEST_F(ClientSlotLedgerTest, ALowerCapIsReachedByThoseWhoGo) {
  Start(2, 20);
  for (int i = 0; i < 10; ++i) {
    At(0).Open();
    At(1).Open();
  }
  Run(milliseconds(500));
  ASSERT_EQ(Held(), 20u);
  ledger_.SetLimits({{"web", 10}}, now_);
  for (int i = 0; i < 60 && Held() > 10; ++i) {
    At(i % 2).Close();  // Comes back at once.
    At(i % 2).Open();
    Step();
    At(i % 2).Close();
    Step();
  }
  for (int i = 0; i < 20; ++i) {
    At(i % 2).Open();
    Step();
    EXPECT_LE(Held(), 10u);
  }
}

TEST_F(ClientSlotLedgerTest, AQuietClientIsForgottenAndHasItsEvenPartEverywhere) {
  Start(2, 20);
  for (int i = 0; i < 40; ++i) {
    At(0).Open();
    Step();
  }
  ASSERT_GE(At(0).held(), 19u);
  EXPECT_EQ(ledger_.shared(), 1u);
  while (At(0).held() > 0) At(0).Close();
  Run(milliseconds(4000));
  EXPECT_EQ(ledger_.shared(), 0u);
  EXPECT_EQ(ledger_.NextDeadline(), Instant::max());
  EXPECT_EQ(At(0).slots(), 10u);
  EXPECT_EQ(At(1).slots(), 10u);
}

TEST_F(ClientSlotLedgerTest, AWorkerWithoutAStreamKeepsItsEvenPartOfTheCap) {
  Start(2, 20);
  At(0).Open();
  ledger_.Disconnect(Key(1));
  ledger_.SetWorkers(2, {Key(0)}, now_);
  workers_.erase(Key(1));
  for (int i = 0; i < 40; ++i) {
    At(0).Open();
    Step();
  }
  EXPECT_EQ(At(0).held(), 10u);
  ledger_.Forget(Key(1), now_);
  ledger_.SetWorkers(1, {Key(0)}, now_);
  for (int i = 0; i < 40; ++i) {
    At(0).Open();
    Step();
  }
  EXPECT_EQ(At(0).held(), 20u);
}

TEST_F(ClientSlotLedgerTest, ReportsOfOtherRulesAndWithNumbersOfNoSenseChangeNothing) {
  Start(2, 20);
  worker::v1::RateReport report;
  auto& other = *report.add_client_slots();
  other.set_rule("gone");
  other.set_held(5);
  ledger_.Report(Key(0), report, now_);
  EXPECT_EQ(ledger_.shared(), 0u);
  auto& mad = *report.add_client_slots();
  mad.set_rule("web");
  mad.set_held(UINT64_MAX);
  mad.set_slots(UINT64_MAX);
  mad.set_refused(UINT64_MAX);
  ledger_.Report(Key(0), report, now_);
  for (const auto& [key, message] : ledger_.Settle(now_))
    for (const auto& slots : message.rates().client_slots()) EXPECT_LE(slots.slots(), 20u);
}

TEST(DivideSlotsTest, AllOfTheCapIsGivenAndWhoWasRefusedGetsMore) {
  EXPECT_EQ(DivideSlots({{10, 10, 6}, {0, 10, 0}}, 100), (std::vector<uint64_t>{96, 4}));
  EXPECT_EQ(DivideSlots({{10, 10, 3}, {10, 10, 1}}, 20), (std::vector<uint64_t>{10, 10}));
  EXPECT_EQ(DivideSlots({{10, 10, 3}, {10, 10, 1}}, 100), (std::vector<uint64_t>{70, 30}));
  EXPECT_EQ(DivideSlots({{5, 5, 0}, {0, 5, 0}, {0, 5, 0}}, 15), (std::vector<uint64_t>{9, 3, 3}));
  EXPECT_EQ(DivideSlots({{20, 20, 0}, {10, 10, 5}}, 15), (std::vector<uint64_t>{10, 5}));
  EXPECT_EQ(DivideSlots({{3, 10, 0}, {3, 10, 0}}, 20), (std::vector<uint64_t>{10, 10}));
}

}  // namespace
}  // namespace lb::controlplane
