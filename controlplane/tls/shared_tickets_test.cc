#include "controlplane/tls/shared_tickets.h"

#include <algorithm>
#include <map>
#include <memory>
#include <string>
#include <vector>

#include "controlplane/tls/ticket_word.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::nanoseconds;
using std::chrono::seconds;

constexpr Instant kStart{hours(1'000)};

std::string Seed(char byte) { return std::string(TicketRing::kSeedBytes, byte); }

// Names of the keys in the order in which workers get them.
std::vector<std::string> Names(const SharedTickets& tickets) {
  std::vector<std::string> names;
  const worker::v1::TicketKeys keys = tickets.Keys();
  for (const auto& key : keys.keys()) names.push_back(key.name());
  return names;
}

class AloneTest : public testing::Test {
 protected:
  AloneTest() { tickets_.SetPlace(false, "", kStart); }

  SharedTickets tickets_{Seed('a'), kStart};
};

TEST_F(AloneTest, ANewKeySealsEveryEightHoursAndTwoOldOnesOpen) {
  EXPECT_TRUE(tickets_.Step(kStart));
  ASSERT_EQ(Names(tickets_).size(), 1u);
  const std::string first = Names(tickets_)[0];
  EXPECT_EQ(tickets_.NextDeadline(), kStart + hours(8));
  EXPECT_FALSE(tickets_.Step(kStart + hours(8) - nanoseconds(1)));
  EXPECT_TRUE(tickets_.Step(kStart + hours(8)));
  EXPECT_NE(Names(tickets_)[0], first);
  EXPECT_TRUE(tickets_.Step(kStart + hours(16)));
  ASSERT_EQ(Names(tickets_).size(), 3u);
  EXPECT_EQ(Names(tickets_)[2], first);
  EXPECT_TRUE(tickets_.Step(kStart + hours(24)));
  ASSERT_EQ(Names(tickets_).size(), 3u);
  for (const std::string& name : Names(tickets_)) EXPECT_NE(name, first);
  EXPECT_EQ(tickets_.rotations(), 3u);
  EXPECT_FALSE(tickets_.shared());
}

TEST_F(AloneTest, NothingIsTold) {
  tickets_.SetHosts({{"b", 1}}, kStart);
  tickets_.Step(kStart);
  EXPECT_FALSE(tickets_.TakeWord(kStart + hours(1)));
  EXPECT_TRUE(tickets_.Receive("b", EncodeTickets({}, kStart), kStart));
}

TEST(SharedTicketsTest, WithoutASeedThereIsNothingToSendOrToWaitFor) {
  SharedTickets tickets("", kStart);
  EXPECT_FALSE(tickets.Step(kStart + hours(100)));
  EXPECT_TRUE(tickets.empty());
  EXPECT_EQ(tickets.NextDeadline(), Instant::max());
}

TEST(SharedTicketsTest, WhileNobodyKnowsWhetherThereAreOthersAKeyIsMadeAfterAWhile) {
  SharedTickets tickets(Seed('a'), kStart);
  EXPECT_FALSE(tickets.Step(kStart));
  EXPECT_TRUE(tickets.empty());
  EXPECT_EQ(tickets.NextDeadline(), kStart + SharedTickets::kLearnFor);
  EXPECT_TRUE(tickets.Step(kStart + SharedTickets::kLearnFor));
  EXPECT_EQ(Names(tickets).size(), 1u);
}

// Hosts whose words arrive at once, unless they are cut off or silent, each with its own clock.
class TogetherTest : public testing::Test {
 protected:
  struct Host {
    std::unique_ptr<SharedTickets> tickets;
    Duration clock{};
    uint64_t life = 1;
    bool silent = false;
    int side = 0;
  };

  void Start(const std::string& name) {
    Host& host = hosts_[name];
    ++host.life;
    host.clock = hours(100 * ++starts_);
    host.tickets = std::make_unique<SharedTickets>(Seed(static_cast<char>(starts_)), At(host));
    host.tickets->SetPlace(true, name, At(host));
    Meet();
  }

  void Kill(const std::string& name) {
    hosts_[name].tickets.reset();
    Meet();
  }

  Instant At(const Host& host) const { return kStart + elapsed_ + host.clock; }

  // Each hears who is there.
  void Meet() {
    for (auto& [name, host] : hosts_) {
      if (host.tickets == nullptr) continue;
      std::vector<SharedTickets::Host> others;
      for (const auto& [other, its] : hosts_)
        if (other != name && its.tickets != nullptr && its.side == host.side)
          others.push_back({other, its.life});
      host.tickets->SetHosts(others, At(host));
    }
  }

  void Pass(Duration time) {
    const Instant end = kStart + elapsed_ + time;
    while (true) {
      for (auto& [name, host] : hosts_)
        if (host.tickets != nullptr) Tell(name, host);
      if (kStart + elapsed_ >= end) return;
      Duration next = end - kStart;
      for (auto& [name, host] : hosts_)
        if (host.tickets != nullptr)
          next = std::min(next, elapsed_ + (host.tickets->NextDeadline() - At(host)));
      elapsed_ = std::max(next, elapsed_ + std::chrono::milliseconds(1));
    }
  }

  void Tell(const std::string& name, Host& host) {
    host.tickets->Step(At(host));
    const std::optional<std::string> word = host.tickets->TakeWord(At(host));
    if (!word || host.silent) return;
    for (auto& [other, its] : hosts_)
      if (other != name && its.tickets != nullptr && its.side == host.side) {
        EXPECT_TRUE(its.tickets->Receive(name, *word, At(its)));
        its.tickets->Step(At(its));
      }
  }

  std::string Sealer(const std::string& name) {
    const SharedTickets& tickets = *hosts_[name].tickets;
    return tickets.sealer() == nullptr ? "" : tickets.sealer()->name;
  }
  bool Opens(const std::string& name, const std::string& key) {
    for (const std::string& have : Names(*hosts_[name].tickets))
      if (have == key) return true;
    return false;
  }

  static constexpr Duration kTick = std::chrono::milliseconds(100);
  std::map<std::string, Host> hosts_;
  Duration elapsed_{};
  int starts_ = 0;
};

TEST_F(TogetherTest, TheFirstByNameMakesTheKeyThatAllSealWith) {
  for (const char* name : {"b", "c", "a"}) Start(name);
  Pass(seconds(1));
  EXPECT_NE(Sealer("a"), "");
  for (const char* name : {"b", "c"}) {
    EXPECT_EQ(Sealer(name), Sealer("a"));
    EXPECT_EQ(hosts_[name].tickets->size(), 1u);
    EXPECT_TRUE(hosts_[name].tickets->shared());
  }
}

TEST_F(TogetherTest, ANewKeyOpensEverywhereBeforeItSeals) {
  for (const char* name : {"a", "b", "c"}) Start(name);
  Pass(hours(8) - seconds(1));
  const std::string before = Sealer("a");
  hosts_["c"].silent = true;  // The others do not know what it has.
  Pass(seconds(20));
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_EQ(hosts_[name].tickets->size(), 2u);
    EXPECT_EQ(Sealer(name) == before, name != std::string("c"));
  }
  hosts_["c"].silent = false;
  Pass(seconds(6));
  EXPECT_NE(Sealer("a"), before);
  EXPECT_EQ(Sealer("a"), Sealer("b"));
  EXPECT_EQ(Sealer("a"), Sealer("c"));
}

TEST_F(TogetherTest, AHostThatSaysNothingHoldsUpARotationForAMinute) {
  for (const char* name : {"a", "b", "c"}) Start(name);
  Pass(hours(8) - seconds(1));
  const std::string before = Sealer("a");
  hosts_["c"].silent = true;
  Pass(seconds(59));
  EXPECT_EQ(Sealer("a"), before);
  Pass(seconds(5));
  EXPECT_NE(Sealer("a"), before);
  EXPECT_FALSE(hosts_["a"].tickets->size() > 2);
}

TEST_F(TogetherTest, WhoStartsAgainTakesOverTheKeysThatThereAre) {
  for (const char* name : {"a", "b"}) Start(name);
  Pass(hours(3));
  const std::string sealer = Sealer("b");
  Kill("a");
  Pass(minutes(1));
  Start("a");
  Pass(seconds(1));
  EXPECT_EQ(Sealer("a"), sealer);
  EXPECT_EQ(hosts_["a"].tickets->size(), 1u);
  EXPECT_EQ(hosts_["b"].tickets->size(), 1u);
  // The clock of the rotation goes on.
  Pass(hours(5));
  EXPECT_NE(Sealer("a"), sealer);
  EXPECT_EQ(Sealer("b"), Sealer("a"));
}

TEST_F(TogetherTest, WhoStartsDuringARotationSealsWithTheKeyOfBefore) {
  for (const char* name : {"a", "b"}) Start(name);
  Pass(hours(8) - seconds(1));
  Start("c");
  const std::string before = Sealer("a");
  Pass(seconds(2));
  EXPECT_EQ(hosts_["c"].tickets->size(), 2u);
  EXPECT_EQ(Sealer("c"), before);
}

TEST_F(TogetherTest, WhenTheMakerIsGoneTheNextOneMakesTheKeys) {
  for (const char* name : {"a", "b", "c"}) Start(name);
  Pass(hours(7));
  const std::string before = Sealer("c");
  Kill("a");
  EXPECT_EQ(hosts_["c"].tickets->size(), 1u);
  Pass(hours(1) + seconds(7));
  EXPECT_EQ(hosts_["c"].tickets->size(), 2u);
  EXPECT_NE(Sealer("c"), before);
  EXPECT_EQ(Sealer("b"), Sealer("c"));
}

TEST_F(TogetherTest, OthersStandInForAMakerThatMakesNone) {
  for (const char* name : {"a", "b", "c"}) Start(name);
  hosts_["a"].silent = true;
  Pass(SharedTickets::kLearnFor);
  EXPECT_EQ(Sealer("b"), "");
  Pass(SharedTickets::kStandInAfter + seconds(1));
  EXPECT_NE(Sealer("b"), "");
  EXPECT_EQ(Sealer("b"), Sealer("c"));
}

TEST_F(TogetherTest, AfterAPartitionTheTicketsOfBothSidesAreOpenedEverywhere) {
  for (const char* name : {"a", "b", "c", "d"}) Start(name);
  Pass(hours(7));
  hosts_["c"].side = hosts_["d"].side = 1;
  Meet();
  Pass(hours(3));
  const std::string left = Sealer("a");
  const std::string right = Sealer("d");
  EXPECT_NE(left, right);
  EXPECT_EQ(Sealer("b"), left);
  EXPECT_EQ(Sealer("c"), right);
  hosts_["c"].side = hosts_["d"].side = 0;
  Meet();
  Pass(seconds(10));
  for (const char* name : {"a", "b", "c", "d"}) {
    EXPECT_TRUE(Opens(name, left));
    EXPECT_TRUE(Opens(name, right));
    EXPECT_EQ(Sealer(name), Sealer("a"));
  }
}

TEST_F(TogetherTest, AHostThatWasAloneChangesNothingForTheOthers) {
  hosts_["a"].side = 1;
  for (const char* name : {"b", "c"}) Start(name);
  Pass(hours(2));
  const std::string sealer = Sealer("b");
  Start("a");
  Pass(hours(1));
  const std::string alone = Sealer("a");
  hosts_["a"].side = 0;
  Meet();
  Pass(seconds(10));
  for (const char* name : {"a", "b", "c"}) {
    EXPECT_EQ(Sealer(name), sealer);
    EXPECT_TRUE(Opens(name, alone));
  }
}

TEST_F(TogetherTest, WhenTheClusterIsSwitchedOffTheKeysGoOn) {
  for (const char* name : {"a", "b"}) Start(name);
  Pass(hours(1));
  const std::string sealer = Sealer("b");
  Host& b = hosts_["b"];
  b.tickets->SetPlace(false, "", At(b));
  b.tickets->SetHosts({}, At(b));
  Pass(minutes(1));
  EXPECT_EQ(Sealer("b"), sealer);
  EXPECT_FALSE(b.tickets->shared());
  Pass(hours(7));
  EXPECT_NE(Sealer("b"), sealer);
  EXPECT_FALSE(Opens("a", Sealer("b")));
}

TEST_F(TogetherTest, WhoIsNoneOfTheHostsSaysNothing) {
  for (const char* name : {"a", "b"}) Start(name);
  Pass(seconds(1));
  Host& a = hosts_["a"];
  const TicketKey key{std::string(16, 'x'), std::string(32, 'x'), At(a) - hours(1)};
  const std::string word = EncodeTickets({key}, At(a));
  EXPECT_TRUE(a.tickets->Receive("stranger", word, At(a)));
  EXPECT_FALSE(a.tickets->Step(At(a)));
  EXPECT_TRUE(a.tickets->Receive("b", word, At(a)));
  EXPECT_TRUE(a.tickets->Step(At(a)));
  EXPECT_FALSE(a.tickets->Receive("b", word + "x", At(a)));
}

TEST_F(TogetherTest, OldKeysGoEverywhereAndDoNotComeBack) {
  for (const char* name : {"a", "b", "c"}) Start(name);
  Pass(seconds(1));
  const std::string first = Sealer("a");
  Pass(hours(24) - seconds(2));
  int keys = 0;
  for (int i = 0; i < 100; ++i) {
    Pass(kTick);
    keys = 0;
    for (const char* name : {"a", "b", "c"}) keys += Opens(name, first) ? 1 : 0;
  }
  EXPECT_EQ(keys, 0);
  EXPECT_LE(hosts_["a"].tickets->size(), 4u);
}

}  // namespace
}  // namespace lb::controlplane
