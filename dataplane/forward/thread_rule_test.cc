#include "dataplane/forward/thread_rule.h"

#include <algorithm>
#include <chrono>
#include <string>
#include <utility>
#include <vector>

#include "gtest/gtest.h"

namespace lb::dataplane {
namespace {

std::shared_ptr<RuleTable> MakeTable(const std::vector<std::pair<std::string, uint32_t>>& weights) {
  auto table = std::make_shared<RuleTable>();
  table->name = "web";
  table->state = std::make_shared<RuleState>("web", 1);
  for (const auto& [name, weight] : weights) {
    BackendTable backend;
    backend.name = name;
    backend.weight = weight;
    backend.state = std::make_shared<BackendState>("web", name, 1);
    table->backends.push_back(std::move(backend));
  }
  return table;
}

std::string Chosen(ThreadRule& rule, const TriedBackends& tried = {}) {
  const ThreadRule::Choice choice = rule.Choose(tried, 0, Instant());
  return choice.backend.has_value() ? rule.backend(*choice.backend).name : "";
}

TEST(ThreadRuleTest, ATriedBackendIsNotChosenAgain) {
  ThreadRule rule(MakeTable({{"a", 1}, {"b", 1}}), 0, 1, nullptr);
  TriedBackends tried;
  tried.Add(0);
  EXPECT_EQ(Chosen(rule, tried), "b");
  tried.Add(1);
  EXPECT_EQ(Chosen(rule, tried), "");
}

TEST(ThreadRuleTest, AFullBackendCostsTheOthersNothing) {
  auto table = MakeTable({{"a", 1}, {"b", 1}, {"c", 1}});
  table->backends[0].limited = true;  // Without a grant.
  ThreadRule rule(table, 0, 1, nullptr);
  std::vector<std::string> picks;
  for (int i = 0; i < 4; ++i) picks.push_back(Chosen(rule));
  EXPECT_EQ(std::count(picks.begin(), picks.end(), "b"), 2);
  EXPECT_EQ(std::count(picks.begin(), picks.end(), "c"), 2);
  EXPECT_GT(table->backends[0].state->slots.TakeWanted(), 0u);
}

TEST(ThreadRuleTest, WhenAllAreFullTheChoiceSaysSo) {
  auto table = MakeTable({{"a", 1}, {"b", 1}});
  for (BackendTable& backend : table->backends) backend.limited = true;
  table->backends[1].state->slots.Grant(1);
  ThreadRule rule(table, 0, 1, nullptr);
  EXPECT_EQ(Chosen(rule), "b");
  const ThreadRule::Choice choice = rule.Choose({}, 0, Instant());
  EXPECT_EQ(choice.backend, std::nullopt);
  EXPECT_TRUE(choice.at_limit);
}

TEST(ThreadRuleTest, ARefusalCostsOneLookAtEachFullBackend) {
  constexpr size_t kBackends = 20'000;
  std::vector<std::pair<std::string, uint32_t>> weights;
  for (size_t i = 0; i < kBackends; ++i) weights.emplace_back(std::to_string(i), 1);
  auto table = MakeTable(weights);
  for (BackendTable& backend : table->backends) backend.limited = true;
  ThreadRule rule(table, 0, 1, nullptr);
  constexpr int kRefusals = 100;
  const auto begin = std::chrono::steady_clock::now();
  for (int i = 0; i < kRefusals; ++i) ASSERT_TRUE(rule.Choose({}, 0, Instant()).at_limit);
  // Looking at each of them again for each of them would take minutes.
  EXPECT_LT(std::chrono::steady_clock::now() - begin, std::chrono::seconds(20));
  for (const BackendTable& backend : table->backends)
    ASSERT_GE(backend.state->slots.TakeWanted(), static_cast<uint64_t>(kRefusals));
}

TEST(ThreadRuleTest, AChangedTableGoesOnInTheTurnByName) {
  ThreadRule plain(MakeTable({{"b", 2}, {"c", 1}}), 0, 7, nullptr);
  auto reloaded = std::make_unique<ThreadRule>(MakeTable({{"b", 2}, {"c", 1}}), 0, 7, nullptr);
  for (int i = 0; i < 30; ++i) {
    // Others come and go before and after them in the table; nobody may choose them.
    auto with = MakeTable({{"a", 0}, {"b", 2}, {"c", 1}, {"d", 0}});
    reloaded = std::make_unique<ThreadRule>(with, 0, 99, reloaded.get());
    EXPECT_EQ(Chosen(*reloaded), Chosen(plain));
  }
}

TEST(ThreadRuleTest, TheLastLeaseEndsTheRule) {
  const auto table = MakeTable({{"a", 1}});
  RuleLease first(std::make_unique<ThreadRule>(table, 0, 1, nullptr));
  EXPECT_EQ(table.use_count(), 2);
  RuleLease second = first;
  first = RuleLease();
  EXPECT_EQ(table.use_count(), 2);
  RuleLease third = std::move(second);
  third = RuleLease();
  EXPECT_EQ(table.use_count(), 1);
}

}  // namespace
}  // namespace lb::dataplane
