#include "dataplane/snapshot/state_registry.h"

#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

const BackendKey kKey{"web", "a"};

std::shared_ptr<const Tables> TablesWith(StateRegistry& registry) {
  auto rule = std::make_shared<RuleTable>();
  rule->name = kKey.rule;
  rule->state = registry.FindOrMakeRule(kKey.rule);
  rule->backends.push_back({.name = kKey.backend, .endpoint = {}, .address = {}, .state = nullptr});
  rule->backends.back().state = registry.FindOrMakeBackend(kKey);
  auto tables = std::make_shared<Tables>();
  tables->rules.push_back(rule);
  return tables;
}

TEST(StateRegistryTest, ABackendInUseIsFoundAgainWithItsSlots) {
  StateRegistry registry(1);
  ASSERT_TRUE(registry.Grant(kKey, 2));
  auto tables = TablesWith(registry);
  const auto held_by_connection = registry.FindOrMakeBackend(kKey);
  ASSERT_TRUE(held_by_connection->slots.TryTake());
  tables.reset();
  registry.Committed(Tables());  // Removed.
  EXPECT_EQ(registry.FindOrMakeBackend(kKey), held_by_connection);
  EXPECT_EQ(registry.FindOrMakeBackend(kKey)->slots.held(), 1u);
  EXPECT_EQ(registry.FindOrMakeBackend(kKey)->slots.granted(), 2u);
}

TEST(StateRegistryTest, HealthAndGrantToldBeforeTheSnapshotAreThere) {
  StateRegistry registry(1);
  ASSERT_TRUE(registry.SetHealth(kKey, Health::kUnhealthy, Instant()));
  ASSERT_TRUE(registry.Grant(kKey, 7));
  const auto state = registry.FindOrMakeBackend(kKey);
  EXPECT_FALSE(state->usable.load());
  EXPECT_EQ(state->slots.granted(), 7u);
}

TEST(StateRegistryTest, ARemovedBackendReturnsWithUnknownHealthAndItsRights) {
  StateRegistry registry(1);
  auto tables = TablesWith(registry);
  ASSERT_TRUE(registry.SetHealth(kKey, Health::kUnhealthy, Instant()));
  ASSERT_TRUE(registry.Grant(kKey, 7));
  tables.reset();
  registry.Committed(Tables());
  registry.Committed(Tables());
  EXPECT_TRUE(registry.health().empty());
  ASSERT_EQ(registry.TakeSlotUse().size(), 1u);  // Rights never expire.
  const auto state = registry.FindOrMakeBackend(kKey);
  EXPECT_TRUE(state->usable.load());
  EXPECT_EQ(state->slots.granted(), 7u);
}

TEST(StateRegistryTest, HealthOutlivesTheSnapshotInFlightBeforeItsOwn) {
  StateRegistry registry(1);
  // A snapshot without the backend is on its way when the backend is added and found unhealthy.
  ASSERT_TRUE(registry.SetHealth(kKey, Health::kUnhealthy, Instant()));
  registry.Committed(Tables());
  const auto tables = TablesWith(registry);
  registry.Committed(*tables);
  EXPECT_FALSE(tables->rules[0]->backends[0].state->usable.load());
}

TEST(StateRegistryTest, ACompleteHealthUpdateResetsWhatItDoesNotName) {
  StateRegistry registry(1);
  const auto a = registry.FindOrMakeBackend(kKey);
  const auto b = registry.FindOrMakeBackend({"web", "b"});
  ASSERT_TRUE(registry.SetHealth(kKey, Health::kUnhealthy, Instant()));
  ASSERT_TRUE(registry.ReplaceHealth({{{"web", "b"}, Health::kUnhealthy}}, Instant()));
  EXPECT_TRUE(a->usable.load());
  EXPECT_FALSE(b->usable.load());
  EXPECT_EQ(registry.health().size(), 1u);
}

TEST(StateRegistryTest, SlotUseTellsPeakAndRefusalsOnce) {
  StateRegistry registry(1);
  ASSERT_TRUE(registry.Grant(kKey, 1));
  const auto state = registry.FindOrMakeBackend(kKey);
  ASSERT_TRUE(state->slots.TryTake());
  ASSERT_FALSE(state->slots.TryTake());
  std::vector<StateRegistry::SlotUse> uses = registry.TakeSlotUse();
  ASSERT_EQ(uses.size(), 1u);
  EXPECT_EQ(uses[0].key, kKey);
  EXPECT_EQ(uses[0].held, 1u);
  EXPECT_EQ(uses[0].wanted, 2u);
  EXPECT_EQ(registry.TakeSlotUse()[0].wanted, 1u);
}

TEST(StateRegistryTest, WhatIsRememberedIsBoundedAndPruned) {
  StateRegistry registry(1);
  size_t kept = 0;
  for (size_t i = 0; i < StateRegistry::kMaxEntries + 10; ++i)
    kept += registry.Grant({"r", std::to_string(i)}, 1) ? 1 : 0;
  EXPECT_EQ(kept, StateRegistry::kMaxEntries);
  EXPECT_FALSE(registry.SetHealth({"r", "late"}, Health::kUnhealthy, Instant()));
  ASSERT_TRUE(registry.Grant({"r", "0"}, 0));  // Nothing left to remember of it.
  EXPECT_TRUE(registry.SetHealth({"r", "late"}, Health::kUnhealthy, Instant()));
}

TEST(StateRegistryTest, OnlyStatesInUseAreListed) {
  StateRegistry registry(1);
  auto tables = TablesWith(registry);
  EXPECT_EQ(registry.rules().size(), 1u);
  EXPECT_EQ(registry.backends().size(), 1u);
  tables.reset();
  EXPECT_TRUE(registry.rules().empty());
  EXPECT_TRUE(registry.backends().empty());
}

}  // namespace
}  // namespace lb::dataplane
