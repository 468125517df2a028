#include "controlplane/tls/ticket_ring.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::hours;

constexpr Instant kStart{hours(1'000)};

std::string Seed(char byte) { return std::string(TicketRing::kSeedBytes, byte); }

TEST(TicketRingTest, ANewKeySealsEveryEightHoursAndTwoOldOnesOpen) {
  TicketRing ring(Seed('a'), kStart);
  ASSERT_EQ(ring.Keys().keys_size(), 1);
  const std::string first = ring.Keys().keys(0).name();
  EXPECT_FALSE(ring.Rotate(kStart + hours(8) - std::chrono::nanoseconds(1)));
  EXPECT_EQ(ring.NextDeadline(), kStart + hours(8));
  EXPECT_TRUE(ring.Rotate(kStart + hours(8)));
  EXPECT_TRUE(ring.Rotate(kStart + hours(16)));
  ASSERT_EQ(ring.Keys().keys_size(), 3);
  EXPECT_EQ(ring.Keys().keys(2).name(), first);
  EXPECT_TRUE(ring.Rotate(kStart + hours(24)));
  ASSERT_EQ(ring.Keys().keys_size(), 3);
  const worker::v1::TicketKeys keys = ring.Keys();
  for (const auto& key : keys.keys()) EXPECT_NE(key.name(), first);
}

TEST(TicketRingTest, KeysAreOfTheSizesThatWorkersTakeAndAllDiffer) {
  TicketRing ring(Seed('a'), kStart);
  TicketRing other(Seed('b'), kStart);
  ring.Rotate(kStart + hours(8));
  std::set<std::string> secrets;
  for (const TicketRing* one : {&ring, &other}) {
    const worker::v1::TicketKeys keys = one->Keys();
    for (const auto& key : keys.keys()) {
      EXPECT_EQ(key.name().size(), 16u);
      EXPECT_EQ(key.secret().size(), 32u);
      secrets.insert(key.secret());
      secrets.insert(key.name());
    }
  }
  EXPECT_EQ(secrets.size(), 6u);
}

TEST(TicketRingTest, WithoutASeedThereIsNothingToSendOrToWaitFor) {
  TicketRing ring("", kStart);
  EXPECT_TRUE(ring.empty());
  EXPECT_EQ(ring.NextDeadline(), Instant::max());
  EXPECT_FALSE(ring.Rotate(kStart + hours(100)));
}

}  // namespace
}  // namespace lb::controlplane
