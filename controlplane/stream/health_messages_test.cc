#include "controlplane/stream/health_messages.h"

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

BackendStates Many(size_t count) {
  BackendStates out;
  for (size_t i = 0; i < count; ++i)
    out.push_back({{"rule", "backend-" + std::to_string(i)}, type::v1::HEALTH_STATE_UNHEALTHY});
  return out;
}

TEST(HealthMessagesTest, ACompleteUpdateIsSentEvenWhenNothingIsKnown) {
  const auto messages = CompleteHealth({});
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_TRUE(messages[0].health().complete());
  EXPECT_FALSE(messages[0].health().more());
  EXPECT_TRUE(HealthChanges({}).empty());
}

TEST(HealthMessagesTest, PartsAreBoundedInOrderAndOnlyTheLastHasNoMore) {
  const BackendStates states = Many(30'000);
  const auto messages = CompleteHealth(states);
  ASSERT_GT(messages.size(), 1u);
  size_t next = 0;
  for (const worker::v1::ConnectResponse& message : messages) {
    EXPECT_TRUE(message.health().complete());
    EXPECT_EQ(message.health().more(), &message != &messages.back());
    EXPECT_LE(message.ByteSizeLong(), 2 * kHealthPartBytes);
    for (const worker::v1::HealthEntry& entry : message.health().entries()) {
      ASSERT_LT(next, states.size());
      EXPECT_EQ(entry.backend(), states[next].first.backend);
      EXPECT_EQ(entry.state(), states[next].second);
      ++next;
    }
  }
  EXPECT_EQ(next, states.size());
}

TEST(HealthMessagesTest, ChangesAreNotComplete) {
  const auto messages = HealthChanges(Many(2));
  ASSERT_EQ(messages.size(), 1u);
  EXPECT_FALSE(messages[0].health().complete());
  EXPECT_EQ(messages[0].health().entries_size(), 2);
}

}  // namespace
}  // namespace lb::controlplane
