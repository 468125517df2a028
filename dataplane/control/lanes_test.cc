// The lanes that only touch the registry: health, slots, statistics.
#include <optional>
#include <string>

#include "base/log.h"
#include "dataplane/control/health_lane.h"
#include "dataplane/control/slot_lane.h"
#include "dataplane/control/stats_lane.h"
#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

using lb::worker::v1::HealthUpdate;
using lb::worker::v1::Hello;
using lb::worker::v1::SlotGrant;

const BackendKey kFirst{"web", "a"};
const BackendKey kSecond{"web", "b"};

HealthUpdate Update(bool complete, const BackendKey& key, lb::type::v1::HealthState state) {
  HealthUpdate update;
  update.set_complete(complete);
  auto& entry = *update.add_entries();
  entry.set_rule(key.rule);
  entry.set_backend(key.backend);
  entry.set_state(state);
  return update;
}

SlotGrant Grant(uint64_t seq, const BackendKey& key, uint64_t slots) {
  SlotGrant grant;
  grant.set_seq(seq);
  auto& entry = *grant.add_entries();
  entry.set_rule(key.rule);
  entry.set_backend(key.backend);
  entry.set_slots(slots);
  return grant;
}

class LanesTest : public testing::Test {
 protected:
  StateRegistry registry_{1};
};

TEST_F(LanesTest, HealthInPartsComesIntoForceWithTheLastPart) {
  const auto first = registry_.FindOrMakeBackend(kFirst);
  const auto second = registry_.FindOrMakeBackend(kSecond);
  ASSERT_TRUE(registry_.SetHealth(kFirst, Health::kUnhealthy, Instant()));
  HealthLane lane(registry_);
  HealthUpdate part = Update(true, kSecond, lb::type::v1::HEALTH_STATE_UNHEALTHY);
  part.set_more(true);
  ASSERT_TRUE(lane.Take(part, Instant()).ok());
  EXPECT_TRUE(second->usable);
  HealthUpdate last;
  last.set_complete(true);
  ASSERT_TRUE(lane.Take(last, Instant()).ok());
  EXPECT_FALSE(second->usable);
  EXPECT_TRUE(first->usable);  // Not named: unknown, used for traffic.
}

TEST_F(LanesTest, HealthIsRememberedForABackendThatComesLater) {
  HealthLane lane(registry_);
  ASSERT_TRUE(
      lane.Take(Update(true, kFirst, lb::type::v1::HEALTH_STATE_UNHEALTHY), Instant()).ok());
  EXPECT_FALSE(registry_.FindOrMakeBackend(kFirst)->usable);
  Hello hello;
  AppendHealth(registry_, hello);
  ASSERT_EQ(hello.health_size(), 1);
  EXPECT_EQ(hello.health(0).state(), lb::type::v1::HEALTH_STATE_UNHEALTHY);
}

TEST_F(LanesTest, AHelloFitsWhateverItWasTold) {
  ASSERT_TRUE(registry_.SetHealth({"z", "sick"}, Health::kUnhealthy, Instant()));
  for (int i = 0; i < 20'000; ++i) {
    ASSERT_TRUE(registry_.SetHealth({std::string(90, 'r'), std::to_string(i)}, Health::kHealthy,
                                    Instant()));
  }
  Hello hello;
  AppendHealth(registry_, hello);
  EXPECT_LE(hello.ByteSizeLong(), kMaxHelloHealthBytes);
  EXPECT_GT(hello.health_size(), 1'000);
  EXPECT_EQ(hello.health(0).backend(), "sick");
}

TEST_F(LanesTest, HealthThatBreaksTheContractIsAnError) {
  HealthLane lane(registry_);
  EXPECT_FALSE(
      lane.Take(Update(false, kFirst, lb::type::v1::HEALTH_STATE_HEALTHY), Instant()).ok());
  EXPECT_FALSE(
      lane.Take(Update(true, {"", "a"}, lb::type::v1::HEALTH_STATE_HEALTHY), Instant()).ok());
  HealthUpdate part = Update(true, kFirst, lb::type::v1::HEALTH_STATE_HEALTHY);
  part.set_more(true);
  ASSERT_TRUE(lane.Take(part, Instant()).ok());
  EXPECT_FALSE(
      lane.Take(Update(false, kFirst, lb::type::v1::HEALTH_STATE_HEALTHY), Instant()).ok());
}

TEST_F(LanesTest, EveryGrantIsAnsweredEvenWhenNothingChanged) {
  SlotLane lane(registry_);
  ASSERT_TRUE(lane.Take(Grant(1, kFirst, 5)).ok());
  auto reports = lane.Report();
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].slots().seq(), 1u);
  ASSERT_EQ(reports[0].slots().entries_size(), 1);
  EXPECT_EQ(reports[0].slots().entries(0).granted(), 5u);
  ASSERT_TRUE(lane.Take(Grant(2, kFirst, 5)).ok());
  reports = lane.Report();
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].slots().seq(), 2u);
  EXPECT_TRUE(lane.Report().empty());
}

TEST_F(LanesTest, SlotUseIsReportedOnceForEveryChange) {
  SlotLane lane(registry_);
  const auto backend = registry_.FindOrMakeBackend(kFirst);
  ASSERT_TRUE(lane.Take(Grant(1, kFirst, 1)).ok());
  ASSERT_EQ(lane.Report().size(), 1u);
  ASSERT_TRUE(backend->slots.TryTake());
  EXPECT_FALSE(backend->slots.TryTake());
  const auto reports = lane.Report();
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].slots().entries(0).held(), 1u);
  EXPECT_EQ(reports[0].slots().entries(0).wanted(), 2u);
  backend->slots.Return();
}

TEST_F(LanesTest, WhoWaitsIsReportedAgainAndAgain) {
  SlotLane lane(registry_);
  const auto backend = registry_.FindOrMakeBackend(kFirst);
  const auto rule = registry_.FindOrMakeRule(kFirst.rule);
  ASSERT_TRUE(lane.Take(Grant(1, kFirst, 1)).ok());
  ASSERT_TRUE(backend->slots.TryTake());
  const auto place = rule->queue.Enter(10, [] {});
  for (int i = 0; i < 5; ++i) {
    const auto reports = lane.Report();
    ASSERT_EQ(reports.size(), 1u) << i;
    EXPECT_EQ(reports[0].slots().entries(0).wanted(), 2u);
  }
  rule->queue.Leave(*place);
  EXPECT_EQ(lane.Report().size(), 1u);
  EXPECT_TRUE(lane.Report().empty());
  backend->slots.Return();
}

TEST_F(LanesTest, RightsThatAreTakenAwayAreReportedAsZero) {
  SlotLane lane(registry_);
  ASSERT_TRUE(lane.Take(Grant(1, kFirst, 1)).ok());
  ASSERT_EQ(lane.Report().size(), 1u);
  ASSERT_TRUE(lane.Take(Grant(2, kFirst, 0)).ok());
  const auto reports = lane.Report();
  ASSERT_EQ(reports.size(), 1u);
  ASSERT_EQ(reports[0].slots().entries_size(), 1);
  EXPECT_EQ(reports[0].slots().entries(0).granted(), 0u);
}

TEST_F(LanesTest, AnOldGrantOrOneWithoutNameIsAnErrorAndSetsNothing) {
  SlotLane lane(registry_);
  ASSERT_TRUE(lane.Take(Grant(2, kFirst, 5)).ok());
  EXPECT_FALSE(lane.Take(Grant(2, kFirst, 9)).ok());
  SlotGrant nameless = Grant(3, kFirst, 9);
  nameless.add_entries();
  EXPECT_FALSE(lane.Take(nameless).ok());
  EXPECT_EQ(registry_.FindOrMakeBackend(kFirst)->slots.granted(), 5u);
}

TEST_F(LanesTest, TheFirstStatisticsAreCompleteLaterOnesHaveWhatChanged) {
  const auto first = registry_.FindOrMakeRule("web");
  const auto second = registry_.FindOrMakeRule("web-2");
  StatsLane lane(registry_);
  auto reports = lane.Report({.connections = 7}, Instant());
  ASSERT_EQ(reports.size(), 1u);
  EXPECT_EQ(reports[0].stats().rules_size(), 2);
  EXPECT_EQ(reports[0].stats().connections(), 7u);
  second->counters[0].connections_total.Add(1);
  second->counters[0].refused[0].Add(2);
  reports = lane.Report({.connections = 7}, Instant());
  ASSERT_EQ(reports.size(), 1u);
  ASSERT_EQ(reports[0].stats().rules_size(), 1);
  EXPECT_EQ(reports[0].stats().rules(0).rule(), "web-2");
  EXPECT_EQ(reports[0].stats().rules(0).refused_total().at(ToString(RefuseReason::kNoBackend)), 2u);
  EXPECT_EQ(reports[0].stats().seq(), 2u);
}

TEST_F(LanesTest, AtLevelDebugFailedConnectsAreSaidOncePerReport) {
  const auto backend = registry_.FindOrMakeBackend(kFirst);
  StatsLane lane(registry_);
  lane.Report({}, Instant());
  const auto count = static_cast<size_t>(ConnectFailure::kRefused);
  const auto logged = [&] {
    testing::internal::CaptureStderr();
    backend->counters[0].connect_failures[count].Add(3);
    lane.Report({}, Instant());
    return testing::internal::GetCapturedStderr();
  };
  EXPECT_EQ(logged(), "") << "not at level info";
  ChangeLogLevel(LogLevel::kDebug);
  const std::string line = logged();
  ChangeLogLevel(std::nullopt);
  EXPECT_NE(line.find("connects to a backend failed"), std::string::npos) << line;
  EXPECT_NE(line.find("backend=a"), std::string::npos) << line;
  EXPECT_NE(line.find("count=3"), std::string::npos) << line;
}

TEST_F(LanesTest, NoMessageOfManyReachesAMebibyte) {
  constexpr size_t kBackends = 5'000;
  std::vector<std::shared_ptr<BackendState>> held;
  SlotLane slots(registry_);
  SlotGrant grant;
  grant.set_seq(1);
  for (size_t i = 0; i < kBackends; ++i) {
    const std::string number = std::to_string(i);
    const BackendKey key{std::string(250, 'r'), std::string(250, 'b') + number};
    held.push_back(registry_.FindOrMakeBackend(key));
    for (auto& failures : held.back()->counters[0].connect_failures) failures.Add(UINT64_MAX);
    *grant.add_entries() = Grant(1, key, UINT64_MAX).entries(0);
  }
  ASSERT_TRUE(slots.Take(grant).ok());
  StatsLane stats(registry_);
  auto reports = slots.Report();
  ASSERT_GT(reports.size(), 1u);
  // Only the part that completes the picture answers the grant.
  EXPECT_EQ(reports.front().slots().seq(), 0u);
  EXPECT_EQ(reports.back().slots().seq(), 1u);
  auto counted = stats.Report({}, Instant());
  for (size_t i = 0; i < counted.size(); ++i)
    EXPECT_EQ(counted[i].stats().more(), i + 1 < counted.size()) << i;
  for (auto& report : counted) reports.push_back(std::move(report));
  size_t entries = 0;
  for (const auto& report : reports) {
    EXPECT_LT(report.ByteSizeLong(), size_t{1} << 20);
    entries += static_cast<size_t>(report.slots().entries_size() + report.stats().backends_size());
  }
  EXPECT_EQ(entries, 2 * kBackends);
}

TEST_F(LanesTest, WhatADrainClosedIsToldOfItsBackend) {
  const auto backend = registry_.FindOrMakeBackend(kFirst);
  StatsLane lane(registry_);
  lane.Report({}, Instant());
  backend->drain_closed.fetch_add(5);
  const auto reports = lane.Report({.access_log_error = "no folder"}, Instant());
  ASSERT_EQ(reports[0].stats().backends_size(), 1);
  EXPECT_EQ(reports[0].stats().backends(0).drain_closed_total(), 5u);
  EXPECT_EQ(reports[0].stats().access_log_error(), "no folder");
}

TEST_F(LanesTest, PanicIsToldWhenItBeginsAndEnds) {
  auto rule = std::make_shared<RuleTable>();
  rule->name = "web";
  rule->state = registry_.FindOrMakeRule("web");
  rule->balance.panic_threshold_ratio = 0.6;
  for (const BackendKey& key : {kFirst, kSecond}) {
    BackendTable& backend = rule->backends.emplace_back();
    backend.name = key.backend;
    backend.weight = 1;
    backend.state = registry_.FindOrMakeBackend(key);
  }
  Tables tables;
  tables.rules.push_back(rule);
  StatsLane lane(registry_);
  EXPECT_FALSE(lane.Report({.tables = &tables}, Instant())[0].stats().rules(0).panic());
  rule->backends[0].state->usable.store(false);
  const auto begun = lane.Report({.tables = &tables}, Instant());
  ASSERT_EQ(begun[0].stats().rules_size(), 1);
  EXPECT_TRUE(begun[0].stats().rules(0).panic());
  EXPECT_EQ(lane.Report({.tables = &tables}, Instant())[0].stats().rules_size(), 0);
  rule->backends[0].state->usable.store(true);
  EXPECT_FALSE(lane.Report({.tables = &tables}, Instant())[0].stats().rules(0).panic());
}

}  // namespace
}  // namespace lb::dataplane
