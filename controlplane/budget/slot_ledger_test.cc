#include "controlplane/budget/slot_ledger.h"

#include <deque>
#include <numeric>

#include "base/prng.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using namespace std::chrono_literals;

const BackendKey kBackend{"web", "b1"};
const Instant kStart{1h};

// The worker's side for one backend: runs on the newest grant, holds what its clients took, and
// answers each grant. Grants and reports wait in queues until the test delivers them.
struct ModelWorker {
  WorkerKey key;
  uint64_t granted = 0;
  uint64_t held = 0;
  uint64_t wanted = 0;
  uint64_t seq = 0;
  std::deque<worker::v1::SlotGrant> grants{};
  std::deque<worker::v1::SlotReport> reports{};

  void Take(uint64_t clients) {
    wanted = std::max(wanted, held + clients);
    held = std::max(held, std::min(granted, held + clients));
  }

  worker::v1::SlotReport MakeReport() {
    worker::v1::SlotReport report;
    report.set_seq(seq);
    worker::v1::SlotEntry& entry = *report.add_entries();
    entry.set_rule(kBackend.rule);
    entry.set_backend(kBackend.backend);
    entry.set_granted(granted);
    entry.set_held(held);
    entry.set_wanted(std::exchange(wanted, held));
    return report;
  }

  void ApplyOneGrant() {
    seq = grants.front().seq();
    for (const auto& entry : grants.front().entries()) granted = entry.slots();
    grants.pop_front();
    reports.push_back(MakeReport());
  }
};

class SlotLedgerTest : public testing::Test {
 protected:
  void Connect(ModelWorker& model) {
    model.seq = 0;
    model.grants.clear();
    model.reports.clear();
    ledger_.Connect(model.key, model.MakeReport().entries(), now_);
  }

  void Rebalance() {
    for (SlotLedger::Grant& grant : ledger_.Rebalance(now_))
      for (ModelWorker* model : workers_)
        if (model->key == grant.worker) model->grants.push_back(std::move(grant.message));
  }

  void DeliverReport(ModelWorker& model) {
    ledger_.Report(model.key, model.reports.front().seq(), model.reports.front().entries(), now_);
    model.reports.pop_front();
  }

  // Delivers everything until nothing moves.
  void Settle() {
    bool moved = true;
    while (moved) {
      moved = false;
      Rebalance();
      for (ModelWorker* model : workers_) {
        while (!model->grants.empty()) model->ApplyOneGrant();
        for (; !model->reports.empty(); moved = true) DeliverReport(*model);
      }
    }
  }

  void Tell(ModelWorker& model) {
    model.reports.push_back(model.MakeReport());
    Settle();
  }

  SlotLedger ledger_;
  Instant now_ = kStart;
  ModelWorker a_{.key = {"a", "1"}};
  ModelWorker b_{.key = {"b", "1"}};
  std::vector<ModelWorker*> workers_{&a_, &b_};
};

TEST_F(SlotLedgerTest, AWorkerAloneHasTheWholeLimit) {
  ledger_.SetLimits({{kBackend, 50}});
  Connect(a_);
  Settle();
  EXPECT_EQ(a_.granted, 50u);
}

TEST_F(SlotLedgerTest, ASecondWorkerGetsNothingThatTheFirstMayStillUse) {
  ledger_.SetLimits({{kBackend, 50}});
  Connect(a_);
  Settle();
  a_.Take(40);
  Connect(b_);
  Rebalance();
  EXPECT_TRUE(b_.grants.empty()) << "the first has not answered yet";
  Settle();
  EXPECT_LE(a_.granted + b_.granted, 50u);
  EXPECT_EQ(a_.granted + b_.granted, 50u);
  EXPECT_EQ(b_.granted, 5u) << "40 are held; what nobody asked for is spread evenly";
  a_.held = 5;
  Tell(a_);
  now_ += 10s;
  Settle();
  EXPECT_EQ(a_.granted + b_.granted, 50u);
  EXPECT_GE(b_.granted, 20u);
}

TEST_F(SlotLedgerTest, RightsFollowTheLoad) {
  ledger_.SetLimits({{kBackend, 100}});
  Connect(a_);
  Connect(b_);
  Settle();
  a_.Take(1000);
  Tell(a_);
  a_.Take(1000);
  EXPECT_GE(a_.held, 95u);
  a_.held = 0;
  a_.wanted = 0;
  Tell(a_);
  b_.Take(1000);
  for (int report = 0; report < 10; ++report) {
    now_ += 200ms;
    Tell(a_);
    Tell(b_);
    b_.Take(1000);
  }
  EXPECT_GE(b_.held, 95u) << "two seconds after the load moved";
}

TEST_F(SlotLedgerTest, ALostWorkerKeepsItsRightsUntilItsProcessIsGone) {
  ledger_.SetLimits({{kBackend, 50}});
  Connect(a_);
  Connect(b_);
  Settle();
  const uint64_t before = b_.granted;
  ledger_.Disconnect(a_.key);
  b_.Take(1000);
  Tell(b_);
  EXPECT_EQ(b_.granted, before);
  ledger_.Remove(a_.key);
  Settle();
  EXPECT_EQ(b_.granted, 50u);
}

TEST_F(SlotLedgerTest, AfterARestartNobodyIsRaisedBeforeTheOthersHadTimeToSayHello) {
  ledger_.SetLimits({{kBackend, 50}});
  ledger_.Restore(a_.key, {{kBackend, 20}}, now_);
  Connect(b_);
  Settle();
  EXPECT_EQ(b_.granted, 0u);
  EXPECT_EQ(ledger_.NextDeadline(), now_ + SlotLedger::kRejoinWait);
  now_ = ledger_.NextDeadline();
  Settle();
  EXPECT_EQ(b_.granted, 30u) << "what the state file says of the other one still counts";
}

TEST_F(SlotLedgerTest, HelloSaysWhatAWorkerReallyHas) {
  ledger_.SetLimits({{kBackend, 50}});
  a_.granted = 50;
  a_.held = 45;
  Connect(a_);
  Connect(b_);
  Settle();
  EXPECT_EQ(a_.granted + b_.granted, 50u);
  EXPECT_GE(a_.granted, 45u);
  EXPECT_EQ(ledger_.ExposuresOf(a_.key).at(kBackend), a_.granted);
}

TEST_F(SlotLedgerTest, ABackendThatReturnsFindsItsConnectionsCounted) {
  ledger_.SetLimits({{kBackend, 50}});
  Connect(a_);
  Settle();
  a_.Take(50);
  ledger_.SetLimits({});
  Settle();
  ledger_.SetLimits({{kBackend, 50}});
  Connect(b_);
  Settle();
  EXPECT_EQ(b_.granted, 0u);
}

TEST_F(SlotLedgerTest, AWorkerThatNeverAnswersIsNotSentGrantsWithoutEnd) {
  Connect(a_);
  for (uint64_t limit = 200; limit > 100; --limit) {
    ledger_.SetLimits({{kBackend, limit}});
    Rebalance();
  }
  EXPECT_LE(a_.grants.size(), SlotLedger::kMaxUnanswered);
}

// Goal: whatever is delayed, lost with a stream, crashes or changes its limit, the slots that are
// held and those that may still be taken never sum above the largest limit since they were given;
// when all is quiet the whole limit is in use. Method: two model workers with queues in both
// directions, driven at random; the seed names the run.
TEST_F(SlotLedgerTest, NeverPassesTheLimitWhateverIsDelayed) {
  constexpr uint64_t kLimit = 20;
  for (uint64_t seed = 0; seed < 200; ++seed) {
    SCOPED_TRACE(testing::Message() << "seed=" << seed);
    Prng prng(seed);
    ledger_ = SlotLedger();
    ledger_.SetLimits({{kBackend, kLimit}});
    for (ModelWorker* model : workers_) {
      *model = ModelWorker{.key = model->key};
      Connect(*model);
    }
    for (int step = 0; step < 1000; ++step) {
      now_ += std::chrono::milliseconds(prng.Below(100));
      ModelWorker& model = *workers_[prng.Below(2)];
      switch (prng.Below(8)) {
        case 0:
          model.Take(prng.Below(30));
          break;
        case 1:
          model.held -= prng.Below(model.held + 1);
          break;
        case 2:
          if (!model.grants.empty()) model.ApplyOneGrant();
          break;
        case 3:
          if (!model.reports.empty()) DeliverReport(model);
          break;
        case 4:
          model.reports.push_back(model.MakeReport());
          break;
        case 5:
          Rebalance();
          break;
        case 6:
          if (prng.Chance(1, 20)) Connect(model);
          break;
        default:
          if (!prng.Chance(1, 50)) break;
          ledger_.Remove(model.key);  // The process died: its connections are closed.
          model = ModelWorker{.key = {model.key.id, model.key.incarnation + "'"}};
          Connect(model);
      }
      uint64_t open = 0;
      for (const ModelWorker* each : workers_) open += std::max(each->held, each->granted);
      ASSERT_LE(open, kLimit) << "step " << step;
    }
    now_ += 60s;
    Settle();
    for (ModelWorker* model : workers_) {
      model->held = 0;
      Tell(*model);
    }
    EXPECT_EQ(a_.granted + b_.granted, kLimit);
  }
}

}  // namespace
}  // namespace lb::controlplane
