#include "controlplane/tls/ticket_ring.h"

#include <set>
#include <string>

#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::hours;
using std::chrono::seconds;

constexpr Instant kStart{hours(1'000)};

std::string Seed(char byte) { return std::string(TicketRing::kSeedBytes, byte); }

TicketKey KeyOf(char byte, Instant made) {
  return {std::string(TicketKey::kNameBytes, byte), std::string(TicketKey::kSecretBytes, byte),
          made};
}

TEST(TicketRingTest, KeysAreOfTheSizesThatWorkersTakeAndAllDiffer) {
  TicketRing ring(Seed('a'));
  TicketRing other(Seed('b'));
  ring.Make(kStart);
  ring.Make(kStart + hours(8));
  other.Make(kStart);
  std::set<std::string> secrets;
  for (const TicketRing* one : {&ring, &other}) {
    for (const TicketKey& key : one->keys()) {
      EXPECT_EQ(key.name.size(), 16u);
      EXPECT_EQ(key.secret.size(), 32u);
      secrets.insert(key.secret);
      secrets.insert(key.name);
    }
  }
  EXPECT_EQ(secrets.size(), 6u);
  EXPECT_FALSE(TicketRing("").can_make());
}

TEST(TicketRingTest, AKeyOpensForADay) {
  TicketRing ring(Seed('a'));
  ring.Make(kStart);
  EXPECT_FALSE(ring.Expire(kStart + hours(24) - seconds(1)));
  EXPECT_TRUE(ring.Expire(kStart + hours(24)));
  EXPECT_TRUE(ring.empty());
}

TEST(TicketRingTest, AKeyThatIsToldAgainIsAsOldAsItsGreatestAge) {
  TicketRing ring(Seed('a'));
  EXPECT_TRUE(ring.Adopt(KeyOf('x', kStart)));
  EXPECT_FALSE(ring.Adopt(KeyOf('x', kStart + seconds(3))));
  EXPECT_EQ(ring.keys().front().made, kStart);
  EXPECT_FALSE(ring.Adopt(KeyOf('x', kStart - seconds(3))));
  EXPECT_EQ(ring.keys().front().made, kStart - seconds(3));
  EXPECT_EQ(ring.keys().size(), 1u);
}

TEST(TicketRingTest, AWordThatWasHeldUpMakesNoExpiredKeyYoung) {
  TicketRing ring(Seed('a'));
  EXPECT_TRUE(ring.Adopt(KeyOf('x', kStart)));
  EXPECT_TRUE(ring.Expire(kStart + hours(24)));
  EXPECT_FALSE(ring.Adopt(KeyOf('x', kStart + hours(23))));
  EXPECT_TRUE(ring.empty());
}

TEST(TicketRingTest, OfTooManyKeysTheOldestGo) {
  TicketRing ring(Seed('a'));
  for (size_t i = 0; i < TicketRing::kMaxKeys; ++i)
    EXPECT_TRUE(ring.Adopt(KeyOf(static_cast<char>('a' + i), kStart + seconds(i))));
  EXPECT_FALSE(ring.Adopt(KeyOf('x', kStart - seconds(1))));
  EXPECT_NE(ring.Find(std::string(TicketKey::kNameBytes, 'a')), nullptr);
  EXPECT_TRUE(ring.Adopt(KeyOf('x', kStart + hours(1))));
  EXPECT_EQ(ring.keys().size(), TicketRing::kMaxKeys);
  EXPECT_EQ(ring.keys().front().name, std::string(TicketKey::kNameBytes, 'x'));
  EXPECT_EQ(ring.Find(std::string(TicketKey::kNameBytes, 'a')), nullptr);
}

}  // namespace
}  // namespace lb::controlplane
