#include "controlplane/budget/slot_ledger.h"

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;

// A ledger with one backend and workers that answer by hand.
class SlotLedgerTest : public testing::Test {
 protected:
  static LiveRules Limit(uint64_t limit) {
    LiveRule rule;
    rule.name = "web";
    rule.backends.push_back({.name = "b",
                             .address = Endpoint::FromIp("10.0.0.1", 80).value(),
                             .weight = 1,
                             .max_connections = limit,
                             .check_host = ""});
    return {rule};
  }

  // The hello of a worker that knows limits of rules.
  static worker::v1::Hello Knowing() {
    worker::v1::Hello hello;
    hello.add_features("rule_limit");
    return hello;
  }

  // Grants by worker id, of the last message to each.
  std::map<std::string, uint64_t> Settle(SlotPool::Raise raise = SlotPool::Raise::kAnything) {
    std::map<std::string, uint64_t> out;
    for (const SlotLedger::ToWorker& grant : ledger_.Settle(raise, now_)) {
      seq_[grant.worker] = grant.message.slots().seq();
      for (const auto& entry : grant.message.slots().entries())
        out[grant.worker.id] = entry.slots();
    }
    return out;
  }

  void Report(const WorkerKey& worker, uint64_t granted, uint64_t held, uint64_t wanted) {
    worker::v1::SlotReport report;
    report.set_seq(seq_[worker]);
    worker::v1::SlotEntry& entry = *report.add_entries();
    entry.set_rule("web");
    entry.set_backend("b");
    entry.set_granted(granted);
    entry.set_held(held);
    entry.set_wanted(wanted);
    EXPECT_TRUE(ledger_.Report(worker, report, now_).ok());
  }

  // Of two slots and two workers: somebody waits in the first one, and both slots are there.
  void GiveBothToTheFirst() {
    ledger_.SetLimits(Limit(2));
    ledger_.Connect(a_, {}, now_);
    ledger_.Connect(b_, {}, now_);
    Settle();
    now_ += std::chrono::seconds(5);
    Report(a_, 1, 1, 2);
    Settle();
    Report(b_, 0, 0, 0);
    EXPECT_EQ(Settle(), (Grants{{"a", 2}}));
  }

  using Grants = std::map<std::string, uint64_t>;
  const WorkerKey a_{"a", "1"};
  const WorkerKey b_{"b", "1"};
  SlotLedger ledger_;
  Instant now_ = Instant(std::chrono::hours(5));
  std::map<WorkerKey, uint64_t> seq_;
};

TEST_F(SlotLedgerTest, ALoneWorkerGetsTheWholeLimit) {
  ledger_.SetLimits(Limit(50));
  ledger_.Connect(a_, {}, now_);
  EXPECT_EQ(Settle(), (Grants{{"a", 50}}));
}

TEST_F(SlotLedgerTest, LowersFirstAndRaisesWhenReportedFree) {
  ledger_.SetLimits(Limit(50));
  ledger_.Connect(a_, {}, now_);
  Settle();
  Report(a_, 50, 40, 60);
  ledger_.Connect(b_, {}, now_);
  EXPECT_EQ(Settle(), (Grants{{"a", 49}, {"b", 0}}));  // B has not asked for anything yet.
  Report(b_, 0, 0, 100);
  EXPECT_EQ(Settle().at("a"), 25u);
  Report(a_, 25, 40, 60);  // Forty are still held: ten are free.
  EXPECT_EQ(Settle(), (Grants{{"b", 10}}));
  Report(a_, 25, 25, 60);
  EXPECT_EQ(Settle(), (Grants{{"b", 25}}));
  EXPECT_EQ(ledger_.TotalExposure({"web", "b"}), 50u);
}

TEST_F(SlotLedgerTest, ANewWorkerStarvesUntilTheOthersGaveUpSlotsForIt) {
  ledger_.SetLimits(Limit(50));
  ledger_.Connect(a_, {}, now_);
  Settle();
  EXPECT_FALSE(ledger_.Starves(a_));
  ledger_.Connect(b_, {}, now_);
  EXPECT_EQ(Settle(), (Grants{{"a", 25}, {"b", 0}}));
  EXPECT_TRUE(ledger_.Starves(b_));
  Report(a_, 25, 0, 0);
  EXPECT_EQ(Settle(), (Grants{{"b", 25}}));
  EXPECT_FALSE(ledger_.Starves(b_));
}

TEST_F(SlotLedgerTest, AWorkerThatIsMeantToGetNothingDoesNotStarve) {
  ledger_.SetLimits(Limit(50));
  ledger_.Connect(a_, {}, now_);
  Settle();
  ledger_.Disconnect(a_);
  ledger_.Connect(b_, {}, now_);
  Settle();
  EXPECT_FALSE(ledger_.Starves(b_));
}

TEST_F(SlotLedgerTest, RightsFollowTheLoad) {
  ledger_.SetLimits(Limit(100));
  ledger_.Connect(a_, {}, now_);
  ledger_.Connect(b_, {}, now_);
  EXPECT_EQ(Settle(), (Grants{{"a", 50}, {"b", 50}}));
  Report(a_, 50, 50, 400);
  Report(b_, 50, 0, 0);
  now_ += milliseconds(1'100);  // What they said when they began is not believed any longer.
  Report(a_, 50, 50, 400);
  EXPECT_EQ(Settle().at("b"), 0u);
  Report(b_, 0, 0, 0);
  EXPECT_EQ(Settle().at("a"), 100u);
}

TEST_F(SlotLedgerTest, TheLastSlotOfAnIdleWorkerGoesToOneWhereSomebodyWaits) {
  ledger_.SetLimits(Limit(2));
  ledger_.Connect(a_, {}, now_);
  ledger_.Connect(b_, {}, now_);
  EXPECT_EQ(Settle(), (Grants{{"a", 1}, {"b", 1}}));
  now_ += std::chrono::seconds(5);
  Report(a_, 1, 1, 2);
  EXPECT_EQ(Settle(), (Grants{{"b", 0}}));
  Report(b_, 0, 0, 0);
  EXPECT_EQ(Settle(), (Grants{{"a", 2}}));
}

TEST_F(SlotLedgerTest, AnIdleWorkerGetsASlotBackWhenItWantsOneOrNobodyElseDoes) {
  GiveBothToTheFirst();
  Report(a_, 2, 1, 2);  // One is served, the other one gave up.
  EXPECT_EQ(Settle(), Grants());
  now_ = ledger_.NextDeadline();  // Nobody says any more that he wants a second one.
  EXPECT_EQ(Settle(), (Grants{{"a", 1}}));
  Report(a_, 1, 1, 1);
  EXPECT_EQ(Settle(), (Grants{{"b", 1}}));
}

TEST_F(SlotLedgerTest, NobodyIsBelievedForeverThoughTheLastWordsCameTogether) {
  GiveBothToTheFirst();
  now_ += milliseconds(900);
  Report(a_, 2, 1, 2);
  Report(a_, 2, 1, 1);  // Too soon to be believed, and the last report for now.
  Grants last;
  for (int look = 0; look < 3 && ledger_.NextDeadline() != Instant::max(); ++look) {
    now_ = ledger_.NextDeadline();
    for (const auto& [worker, slots] : Settle()) last[worker] = slots;
  }
  EXPECT_EQ(last, (Grants{{"a", 1}}));
  EXPECT_EQ(ledger_.NextDeadline(), Instant::max());
}

TEST_F(SlotLedgerTest, OfFewerSlotsThanWorkersEachWhoWaitsGetsOneInTurn) {
  ledger_.SetLimits(Limit(1));
  ledger_.Connect(a_, {}, now_);
  ledger_.Connect(b_, {}, now_);
  Settle();
  for (int turn = 0; turn < 4; ++turn) {
    const bool a_holds = turn % 2 == 0;
    const WorkerKey& holder = a_holds ? a_ : b_;
    const WorkerKey& next = a_holds ? b_ : a_;
    if (turn == 0) {  // Whoever begins with it.
      now_ += std::chrono::seconds(5);
      Report(a_, 0, 0, 1);
      Settle();
      Report(b_, 0, 0, 0);
      Settle();
    }
    Report(holder, 1, 1, 9);  // Eight wait here, one there.
    Report(next, 0, 0, 1);
    EXPECT_EQ(Settle(), Grants()) << turn;  // What was decided stays for a while.
    now_ += SlotPool::kTurn;
    Report(holder, 1, 1, 9);
    Report(next, 0, 0, 1);
    EXPECT_EQ(Settle(), (Grants{{holder.id, 0}})) << turn;
    Report(holder, 0, 1, 9);
    EXPECT_EQ(Settle(), Grants()) << turn;
    Report(holder, 0, 0, 8);  // Its connection ended.
    EXPECT_EQ(Settle(), (Grants{{next.id, 1}})) << turn;
  }
}

TEST_F(SlotLedgerTest, WhatAWorkerHasNoUseForReachesTheOthersWhateverTheLimit) {
  for (uint64_t limit = 1; limit <= 10; ++limit) {
    SCOPED_TRACE(limit);
    ledger_ = SlotLedger();
    seq_.clear();
    ledger_.SetLimits(Limit(limit));
    const std::vector<WorkerKey> workers = {a_, b_, {"c", "1"}, {"d", "1"}};
    for (const WorkerKey& worker : workers) ledger_.Connect(worker, {}, now_);
    std::map<std::string, uint64_t> granted;
    for (int round = 0; round < 12; ++round) {
      for (const auto& [id, slots] : Settle()) granted[id] = slots;
      now_ += milliseconds(200);
      for (const WorkerKey& worker : workers) {
        const uint64_t slots = granted[worker.id];
        Report(worker, slots, worker == b_ ? slots : 0, worker == b_ ? 20 : 0);
      }
    }
    EXPECT_EQ(granted["b"], limit);
  }
}

TEST_F(SlotLedgerTest, AWorkerThatIsGoneCountsUntilItsProcessIs) {
  ledger_.SetLimits(Limit(50));
  ledger_.Connect(a_, {}, now_);
  Settle();
  ledger_.Disconnect(a_);
  ledger_.Connect(b_, {}, now_);
  EXPECT_EQ(Settle(), (Grants{{"b", 0}}));
  ledger_.Forget(a_);
  EXPECT_EQ(Settle(), (Grants{{"b", 50}}));
}

TEST_F(SlotLedgerTest, WithoutLeaveToRaiseNoExposureGrows) {
  ledger_.SetLimits(Limit(50));
  ledger_.Connect(a_, {}, now_);
  EXPECT_EQ(Settle(SlotPool::Raise::kWhatIsStored), (Grants{{"a", 0}}));
  EXPECT_TRUE(ledger_.raise_waits());
  EXPECT_EQ(Settle(), (Grants{{"a", 50}}));
}

// A worker that is not known may hold the other slots of the limit: what this one just gave up may
// be one too many.
TEST_F(SlotLedgerTest, WhileWorkersAreMissingWhatWasTakenBackIsNotGivenAgain) {
  ledger_.SetLimits(Limit(2));
  ledger_.Connect(a_, {}, now_);
  Settle();
  Report(a_, 2, 2, 2);
  ledger_.SetLimits(Limit(1));
  EXPECT_EQ(Settle(SlotPool::Raise::kNothing), (Grants{{"a", 1}}));
  Report(a_, 1, 2, 2);
  ledger_.SetLimits(Limit(2));
  EXPECT_EQ(Settle(SlotPool::Raise::kNothing), Grants());
  EXPECT_TRUE(ledger_.raise_waits());
  EXPECT_EQ(Settle(SlotPool::Raise::kWhatIsStored), (Grants{{"a", 2}}));
}

TEST_F(SlotLedgerTest, ALowerLimitTakesNothingAwayAndGivesNothingNew) {
  ledger_.SetLimits(Limit(50));
  ledger_.Connect(a_, {}, now_);
  Settle();
  Report(a_, 50, 50, 50);
  ledger_.SetLimits(Limit(20));
  EXPECT_EQ(Settle(), (Grants{{"a", 20}}));
  ledger_.Connect(b_, {}, now_);
  EXPECT_EQ(Settle().at("b"), 0u);
  EXPECT_EQ(ledger_.TotalExposure({"web", "b"}), 50u);
}

TEST_F(SlotLedgerTest, AboveALoweredLimitAWorkerThatComesBackGainsNothing) {
  ledger_.SetLimits(Limit(50));
  ledger_.Connect(a_, {}, now_);
  ledger_.Connect(b_, {}, now_);
  EXPECT_EQ(Settle(), (Grants{{"a", 25}, {"b", 25}}));  // What B is sent is lost on its way.
  Report(a_, 25, 25, 25);
  ledger_.Disconnect(b_);
  ledger_.SetLimits(Limit(20));
  Settle();
  ledger_.Connect(b_, {}, now_);
  EXPECT_EQ(Settle().at("b"), 0u);
  Report(b_, 0, 0, 5);
  EXPECT_EQ(Settle().count("b"), 0u);  // A still holds more than there is.
  Report(a_, 10, 10, 10);
  EXPECT_EQ(Settle().at("b"), 5u);
}

TEST_F(SlotLedgerTest, ARestartedControlPlaneCountsWhatWasStored) {
  ledger_.SetLimits(Limit(50));
  ledger_.Connect(a_, {}, now_);
  Settle();
  state::v1::StoredState::Worker stored;
  stored.set_id("a");
  stored.set_incarnation("1");
  ledger_.Store(a_, stored);
  SlotLedger next;
  next.Restore(stored);
  next.SetLimits(Limit(50));
  next.Connect(b_, {}, now_);
  EXPECT_EQ(
      next.Settle(SlotPool::Raise::kAnything, now_).front().message.slots().entries(0).slots(), 0u);
}

TEST_F(SlotLedgerTest, WhatAProcessGaveUpForAnotherCountsOnce) {
  ledger_.SetLimits(Limit(50));
  ledger_.Connect(a_, {}, now_);
  Settle();
  ledger_.Disconnect(a_);
  worker::v1::Hello hello;
  worker::v1::SlotEntry& entry = *hello.add_slots();
  entry.set_rule("web");
  entry.set_backend("b");
  entry.set_granted(40);
  entry.set_held(30);
  ledger_.Inherit(a_, hello);
  ledger_.Connect(b_, hello, now_);
  EXPECT_EQ(ledger_.TotalExposure({"web", "b"}), 50u);
  const auto grants = Settle();
  EXPECT_TRUE(grants.count("b") == 0 || grants.at("b") == 40u);
  // The first comes back and says what it kept.
  entry.set_granted(10);
  entry.set_held(10);
  ledger_.Connect(a_, hello, now_);
  EXPECT_EQ(ledger_.TotalExposure({"web", "b"}), 50u);
}

TEST_F(SlotLedgerTest, SlotsOfABackendThatReturnsStillCount) {
  ledger_.SetLimits(Limit(50));
  ledger_.Connect(a_, {}, now_);
  Settle();
  Report(a_, 50, 30, 30);
  ledger_.SetLimits({});
  ledger_.Synced(a_);
  EXPECT_EQ(Settle(), (Grants{{"a", 0}}));
  Report(a_, 0, 30, 30);
  ledger_.SetLimits(Limit(50));
  ledger_.Connect(b_, {}, now_);
  Settle();
  EXPECT_EQ(ledger_.TotalExposure({"web", "b"}), 50u);
}

TEST_F(SlotLedgerTest, ARulesOwnLimitIsDividedLikeABackends) {
  LiveRules rules = Limit(50);
  rules[0].max_connections = 80;
  ledger_.SetLimits(rules);
  ledger_.Connect(a_, Knowing(), now_);
  const std::vector<SlotLedger::ToWorker> grants = ledger_.Settle(SlotPool::Raise::kAnything, now_);
  ASSERT_EQ(grants.size(), 1u);
  const worker::v1::SlotGrant& grant = grants[0].message.slots();
  ASSERT_EQ(grant.entries_size(), 2);
  EXPECT_EQ(grant.entries(0).backend(), "");
  EXPECT_EQ(grant.entries(0).slots(), 80u);
  EXPECT_EQ(grant.entries(1).backend(), "b");
  EXPECT_EQ(grant.entries(1).slots(), 50u);

  worker::v1::SlotReport report;
  report.set_seq(grant.seq());
  worker::v1::SlotEntry& entry = *report.add_entries();
  entry.set_rule("web");
  entry.set_granted(80);
  entry.set_held(60);
  EXPECT_TRUE(ledger_.Report(a_, report, now_).ok());
  ledger_.Connect(b_, Knowing(), now_);
  ledger_.Settle(SlotPool::Raise::kAnything, now_);
  EXPECT_EQ(ledger_.TotalExposure({"web", ""}), 80u);
  EXPECT_EQ(ledger_.TotalExposure({"web", "b"}), 50u);
}

TEST_F(SlotLedgerTest, ARulesSlotsSurviveARestartOfTheControlPlaneByStateAndByHello) {
  LiveRules rules = Limit(0);
  rules[0].max_connections = 80;
  ledger_.SetLimits(rules);
  ledger_.Connect(a_, Knowing(), now_);
  Settle();
  state::v1::StoredState::Worker stored;
  stored.set_id("a");
  stored.set_incarnation("1");
  ledger_.Store(a_, stored);
  ASSERT_EQ(stored.exposures_size(), 1);
  EXPECT_EQ(stored.exposures(0).backend(), "");
  SlotLedger next;
  next.Restore(stored);
  EXPECT_EQ(next.TotalExposure({"web", ""}), 80u);
  worker::v1::Hello hello = Knowing();
  worker::v1::SlotEntry& entry = *hello.add_slots();
  entry.set_rule("web");
  entry.set_granted(40);
  entry.set_held(45);
  next.Connect(a_, hello, now_);
  EXPECT_EQ(next.TotalExposure({"web", ""}), 45u);
}

TEST_F(SlotLedgerTest, AWorkerThatKnowsNoLimitsOfRulesIsSentNone) {
  LiveRules rules = Limit(50);
  rules[0].max_connections = 80;
  ledger_.SetLimits(rules);
  ledger_.Connect(a_, {}, now_);
  ledger_.Connect(b_, Knowing(), now_);
  ledger_.SetLimits(rules);
  std::map<std::string, std::map<std::string, uint64_t>> slots;  // By worker and backend.
  for (const SlotLedger::ToWorker& grant : ledger_.Settle(SlotPool::Raise::kAnything, now_))
    for (const auto& entry : grant.message.slots().entries())
      slots[grant.worker.id][entry.backend()] = entry.slots();
  EXPECT_EQ(slots["a"], (Grants{{"b", 25}}));
  EXPECT_EQ(slots["b"], (Grants{{"", 80}, {"b", 25}}));
}

TEST_F(SlotLedgerTest, AReportOnAGrantThatWasNotSentIsRefused) {
  ledger_.SetLimits(Limit(50));
  ledger_.Connect(a_, {}, now_);
  Settle();
  worker::v1::SlotReport report;
  report.set_seq(99);
  EXPECT_TRUE(absl::IsFailedPrecondition(ledger_.Report(a_, report, now_)));
}

}  // namespace
}  // namespace lb::controlplane
