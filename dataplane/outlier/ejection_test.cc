#include "dataplane/outlier/ejection.h"

#include <algorithm>
#include <chrono>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using std::chrono::seconds;

constexpr Instant kStart{std::chrono::hours(1)};
constexpr seconds kTime{10};

// A rule whose backends are left out after three failures.
std::shared_ptr<RuleTable> Rule(size_t backends, uint32_t max_ejected_percent = 50) {
  auto rule = std::make_shared<RuleTable>();
  rule->state = std::make_shared<RuleState>("web", 1);
  rule->outlier = {
      .failures = 3, .ejection_time = kTime, .max_ejected_percent = max_ejected_percent};
  for (size_t i = 0; i < backends; ++i) {
    BackendTable backend;
    backend.name = std::to_string(i);
    backend.state = std::make_shared<BackendState>("web", backend.name, 1);
    rule->backends.push_back(std::move(backend));
  }
  return rule;
}

void Fail(const RuleTable& rule, size_t index, Instant now, int times = 3) {
  for (int i = 0; i < times; ++i) NoteBackendFailure(rule, index, ConnectFailure::kReset, now);
}

bool IsOut(const RuleTable& rule, size_t index, Instant now) {
  return now < rule.backends[index].state->outlier.ejected_until.load();
}

size_t CountOut(const RuleTable& rule, Instant now) {
  size_t out = 0;
  for (size_t i = 0; i < rule.backends.size(); ++i) out += IsOut(rule, i, now) ? 1 : 0;
  return out;
}

TEST(EjectionTest, FailuresInARowLeaveABackendOutForTheTime) {
  const auto rule = Rule(2);
  const uint64_t version = rule->state->health_version.load();
  Fail(*rule, 0, kStart, 2);
  EXPECT_FALSE(IsOut(*rule, 0, kStart));
  Fail(*rule, 0, kStart, 1);
  EXPECT_TRUE(IsOut(*rule, 0, kStart + kTime - std::chrono::nanoseconds(1)));
  EXPECT_FALSE(IsOut(*rule, 0, kStart + kTime));
  EXPECT_NE(rule->state->health_version.load(), version);
  const OutlierState& outlier = rule->backends[0].state->outlier;
  EXPECT_EQ(outlier.ejections.load(), 1u);
  EXPECT_EQ(outlier.reason.load(), ConnectFailure::kReset);
  EXPECT_EQ(outlier.failures_at_ejection.load(), 3u);
}

TEST(EjectionTest, AnAnswerEndsTheRow) {
  const auto rule = Rule(2);
  Fail(*rule, 0, kStart, 2);
  NoteBackendAnswer(*rule, 0);
  Fail(*rule, 0, kStart, 2);
  EXPECT_FALSE(IsOut(*rule, 0, kStart));
}

TEST(EjectionTest, WhatThisHostLacksIsNoFailureOfTheBackend) {
  const auto rule = Rule(2);
  for (const ConnectFailure failure :
       {ConnectFailure::kNoPort, ConnectFailure::kNoDescriptor, ConnectFailure::kNoSource})
    for (int i = 0; i < 5; ++i) NoteBackendFailure(*rule, 0, failure, kStart);
  EXPECT_FALSE(IsOut(*rule, 0, kStart));
}

TEST(EjectionTest, EachEjectionIsLongerUpToTheBound) {
  const auto rule = Rule(2);
  Instant now = kStart;
  for (uint32_t nth = 1; nth <= kMaxGrowth + 3; ++nth) {
    Fail(*rule, 0, now);
    const Instant until = rule->backends[0].state->outlier.ejected_until.load();
    EXPECT_EQ(until - now, kTime * std::min(nth, kMaxGrowth)) << nth;
    now = until;
  }
}

TEST(EjectionTest, GoodTimeIsRewarded) {
  const auto rule = Rule(2);
  Instant now = kStart;
  for (int i = 0; i < 3; ++i) {
    Fail(*rule, 0, now);
    now = rule->backends[0].state->outlier.ejected_until.load();
  }
  // Two of three steps are forgotten.
  now += 2 * kTime;
  Fail(*rule, 0, now);
  EXPECT_EQ(rule->backends[0].state->outlier.ejected_until.load(), now + 2 * kTime);
  now += std::chrono::hours(10);
  Fail(*rule, 0, now);
  EXPECT_EQ(rule->backends[0].state->outlier.ejected_until.load(), now + kTime);
}

TEST(EjectionTest, FailuresWhileItIsOutSayNothingAboutItsReturn) {
  const auto rule = Rule(2);
  Fail(*rule, 0, kStart);
  Fail(*rule, 0, kStart + seconds(1), 100);
  Fail(*rule, 0, kStart + kTime, 2);
  EXPECT_FALSE(IsOut(*rule, 0, kStart + kTime));
}

TEST(EjectionTest, NoMoreThanThePartOfTheBackendsWithAWeightIsOut) {
  const auto rule = Rule(6, 50);
  rule->backends[5].weight = 0;
  for (size_t i = 0; i < 6; ++i) Fail(*rule, i, kStart);
  // Half of five, rounded down.
  EXPECT_EQ(CountOut(*rule, kStart), 2u);
}

TEST(EjectionTest, TheLastUsableBackendStays) {
  const auto rule = Rule(3, 100);
  rule->backends[1].state->usable.store(false);
  rule->backends[2].weight = 0;
  Fail(*rule, 0, kStart);
  EXPECT_FALSE(IsOut(*rule, 0, kStart));
  rule->backends[1].state->usable.store(true);
  Fail(*rule, 0, kStart, 1);
  EXPECT_TRUE(IsOut(*rule, 0, kStart));
  Fail(*rule, 1, kStart);
  EXPECT_FALSE(IsOut(*rule, 1, kStart));
}

TEST(EjectionTest, TheBoundsHoldWhicheverThreadsSeeTheFailures) {
  for (int round = 0; round < 20; ++round) {
    const auto rule = Rule(4, 75);
    std::vector<std::thread> threads;
    for (size_t i = 0; i < 4; ++i) threads.emplace_back([&rule, i] { Fail(*rule, i, kStart, 50); });
    for (std::thread& thread : threads) thread.join();
    ASSERT_EQ(CountOut(*rule, kStart), 3u);
  }
}

TEST(EjectionTest, AReturnIsNotedOnceItsTimeIsOver) {
  const auto rule = Rule(2);
  Tables tables;
  tables.rules.push_back(rule);
  Fail(*rule, 0, kStart);
  const OutlierState& outlier = rule->backends[0].state->outlier;
  const uint64_t recoveries = rule->state->recoveries.load();
  NoteReturns(tables, kStart + seconds(9));
  EXPECT_TRUE(outlier.out.load());
  EXPECT_EQ(rule->state->recoveries.load(), recoveries);
  NoteReturns(tables, kStart + kTime);
  EXPECT_FALSE(outlier.out.load());
  EXPECT_EQ(rule->state->recoveries.load(), recoveries + 1);
}

TEST(EjectionTest, TurnedOffNobodyIsOut) {
  const auto rule = Rule(2);
  Tables tables;
  tables.rules.push_back(rule);
  Fail(*rule, 0, kStart);
  rule->outlier = {};
  NoteReturns(tables, kStart);
  EXPECT_FALSE(rule->backends[0].state->outlier.out.load());
}

}  // namespace
}  // namespace lb::dataplane
