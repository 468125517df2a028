#include "controlplane/budget/slot_exchange.h"

#include <gtest/gtest.h>

#include <optional>
#include <set>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/prng.h"
#include "base/time.h"
#include "controlplane/budget/host_id.h"
#include "controlplane/budget/slot_rights.h"
#include "controlplane/budget/slot_word.h"
#include "controlplane/budget/slot_world.h"
#include "controlplane/membership/host_channel.h"
#include "controlplane/snapshot/live_rules.h"

namespace lb::controlplane {
namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

const std::vector<std::string> kKeys{std::string(32, 'k')};

LiveRules RulesWith(const std::vector<std::string>& backends) {
  LiveRule rule;
  rule.name = "web";
  rule.share_backend_limits = true;
  for (const std::string& name : backends)
    rule.backends.push_back({.name = name,
                             .address = Endpoint::FromIp("10.0.0.1", 80).value(),
                             .weight = 1,
                             .max_connections = 100,
                             .check_host = ""});
  return {rule};
}

int64_t RightsOf(SlotWorld& world, size_t host) {
  return world.exchange(host).Look(SlotWorld::Key(), world.now())->rights;
}

TEST(SlotExchangeTest, AllHostsTogetherUseTheWholeLimitAndNoMore) {
  SlotWorld world({});
  world.WantAll(200);
  world.RunFor(seconds(10));
  EXPECT_GE(world.held(), 96u);
  for (size_t i = 0; i < 5; ++i) EXPECT_NEAR(static_cast<double>(RightsOf(world, i)), 20, 1);
  world.RunFor(seconds(60));
  EXPECT_LE(world.most_granted(), 100u);
}

TEST(SlotExchangeTest, RightsFollowTheClients) {
  SlotWorld world({});
  world.RunFor(seconds(5));
  for (size_t busy = 0; busy < 5; ++busy) {
    world.WantAll(0);
    world.Want(busy, 500);
    world.RunFor(seconds(3));
    EXPECT_GE(world.HeldBy(busy), 95u) << busy;
  }
  EXPECT_LE(world.most_granted(), 100u);
}

TEST(SlotExchangeTest, AnIdleHostCanAlwaysBegin) {
  SlotWorld world({});
  world.Want(0, 500);
  world.RunFor(seconds(20));
  EXPECT_GE(world.HeldBy(0), 95u);
  for (size_t i = 1; i < 5; ++i) EXPECT_GE(RightsOf(world, i), 1) << i;
}

TEST(SlotExchangeTest, LossDoesNotMatter) {
  SlotWorld world({.loss_percent = 30});
  world.WantAll(200);
  world.RunFor(seconds(20));
  EXPECT_GE(world.held(), 96u);
  world.WantAll(0);
  world.Want(3, 300);
  world.RunFor(seconds(5));
  EXPECT_GE(world.HeldBy(3), 95u);
  EXPECT_LE(world.most_granted(), 100u);
}

TEST(SlotExchangeTest, BothSidesOfASplitStayWithinTheLimitTogether) {
  SlotWorld world({});
  world.WantAll(200);
  world.RunFor(seconds(10));
  world.SetGroup(3, 1);
  world.SetGroup(4, 1);
  world.RunFor(seconds(30));
  EXPECT_GE(world.held(), 96u) << "each side goes on with what it had";
  world.WantAll(0);
  world.Want(4, 300);
  world.RunFor(seconds(5));
  EXPECT_GE(world.HeldBy(4), 37u) << "and moves it about";
  world.Want(0, 300);
  world.RunFor(seconds(5));
  EXPECT_GE(world.HeldBy(0), 56u);
  world.SetGroup(3, 0);
  world.SetGroup(4, 0);
  world.Want(4, 0);
  world.RunFor(seconds(5));
  EXPECT_GE(world.HeldBy(0), 95u);
  EXPECT_LE(world.most_granted(), 100u);
}

TEST(SlotExchangeTest, HostsThatBeginApartHaveTheirParts) {
  SlotWorld world({});
  for (size_t i = 0; i < 5; ++i) world.SetGroup(i, static_cast<int>(i));
  world.WantAll(200);
  world.RunFor(seconds(30));
  for (size_t i = 0; i < 5; ++i) EXPECT_EQ(world.HeldBy(i), 20u) << i;
  for (size_t i = 0; i < 5; ++i) world.SetGroup(i, 0);
  world.RunFor(seconds(10));
  EXPECT_GE(world.held(), 96u);
  world.WantAll(0);
  world.Want(2, 300);
  world.RunFor(seconds(5));
  EXPECT_GE(world.HeldBy(2), 95u);
  EXPECT_LE(world.most_granted(), 100u);
}

TEST(SlotExchangeTest, WhatADeadHostHadComesBack) {
  SlotWorld world({});
  world.WantAll(200);
  world.RunFor(seconds(10));
  world.Crash(0);
  world.RunFor(minutes(9));
  EXPECT_NEAR(static_cast<double>(world.held()), 80, 4);
  world.RunFor(minutes(2));
  EXPECT_GE(world.held(), 96u);
  world.Start(0);
  world.RunFor(seconds(10));
  EXPECT_NEAR(static_cast<double>(RightsOf(world, 0)), 20, 2);
  EXPECT_LE(world.most_granted(), 100u);
}

TEST(SlotExchangeTest, TwoThatDoNotHearEachOtherDoNotBothTakeWhatADeadHostHad) {
  SlotWorld world({});
  world.WantAll(200);
  world.RunFor(seconds(10));
  world.Cut(0, 1);
  world.Crash(4);
  world.RunFor(minutes(11));
  EXPECT_LE(world.most_granted(), 100u);
}

TEST(SlotExchangeTest, WhereSomeDoNotHearEachOtherTheLimitIsUsedStill) {
  SlotWorld world({});
  world.WantAll(200);
  world.RunFor(seconds(10));
  world.Cut(0, 1);
  world.Cut(2, 3);
  world.RunFor(seconds(60));
  EXPECT_GE(world.held(), 90u);
  world.WantAll(0);
  world.Want(1, 200);
  world.RunFor(seconds(20));
  EXPECT_GE(world.HeldBy(1), 80u);
  EXPECT_LE(world.most_granted(), 100u);
}

TEST(SlotExchangeTest, WhatTheFirstHostHadIsTakenWithIt) {
  SlotWorld world({});
  world.WantAll(200);
  world.RunFor(seconds(10));
  world.Crash(4);
  world.RunFor(minutes(5));
  world.Crash(0);
  world.RunFor(minutes(11));
  EXPECT_GE(world.held(), 96u);
  EXPECT_LE(world.most_granted(), 100u);
}

TEST(SlotExchangeTest, AHostThatIsForgottenIsNotWaitedFor) {
  SlotWorld world({});
  world.WantAll(200);
  world.RunFor(seconds(10));
  world.Crash(4);
  world.RunFor(seconds(10));
  for (size_t i = 0; i < 4; ++i) world.exchange(i).Forget(SlotWorld::NameOf(4));
  world.RunFor(seconds(5));
  EXPECT_GE(world.held(), 96u);
  EXPECT_LE(world.most_granted(), 100u);
}

TEST(SlotExchangeTest, ARestartGoesOnWithWhatWasStored) {
  SlotWorld world({});
  world.WantAll(200);
  world.RunFor(seconds(10));
  for (size_t i = 0; i < 5; ++i) {
    world.Crash(i);
    world.RunFor(milliseconds(300));
    world.Start(i);
    world.RunFor(seconds(3));
    EXPECT_GE(world.HeldBy(i), 19u) << i;
  }
  EXPECT_LE(world.most_granted(), 100u);
}

TEST(SlotExchangeTest, AHostThatLostItsStateLearnsItFromTheOthers) {
  SlotWorld world({});
  world.WantAll(200);
  world.RunFor(seconds(10));
  for (size_t i = 0; i < 5; ++i) {
    world.Crash(i);
    world.RunFor(seconds(1));
    world.Start(i, false);
    world.RunFor(seconds(6));
    EXPECT_GE(world.held(), 96u) << i;
  }
  EXPECT_LE(world.most_granted(), 100u);
}

// It says what it knows of one limit after the other; until then others cannot see what it lacks.
TEST(SlotExchangeTest, AHostThatLostItsStateIsToldOfLimitsThatItDidNotSpeakOfYet) {
  Instant now{std::chrono::hours(1)};
  const HostChannel::Host here{"b", {{'\x0a', '\0', '\0', '\2'}, 7'947}, 1};
  HostChannel channel;
  channel.SetSelf(HostChannel::Self{here.name, here.life, "", kKeys});
  SlotExchange slots(channel);
  slots.SetSelf(here.name, now);
  slots.SetLimits(RulesWith({"x", "y"}), now);
  const auto begin = [&](swim::Life life) {
    channel.SetHosts({{"a", {{'\x0a', '\0', '\0', '\1'}, 7'947}, life}});
    slots.NoteHosts();
    HostChannel other;
    other.SetSelf(HostChannel::Self{"a", life, "", kKeys});
    other.SetHosts({here});
    return other;
  };
  const auto say = [&](HostChannel& other, const std::string& backend, const SlotRow& row) {
    const ToldSlots told{IdOfLimit({"web", backend}), IdOfHost("a"), row, ToldNeed{100, 0, 0}};
    std::vector<HostChannel::Datagram> out;
    for (const std::string& text : EncodeSlots(0, {told})) other.ToAll(text, out);
    for (const HostChannel::Datagram& datagram : out)
      EXPECT_TRUE(slots.Receive(*channel.Open(datagram.bytes), now));
  };
  const SlotRow row{.minted = 50, .unminted = 0, .given = {{IdOfHost("b"), 30}}, .seized = {}};
  HostChannel before = begin(1);
  say(before, "x", row);
  say(before, "y", row);
  HostChannel after = begin(2);
  say(after, "x", {});
  now += seconds(1);
  std::vector<HostChannel::Datagram> out;
  slots.Step(now, out);
  std::set<LimitId> told;
  for (const HostChannel::Datagram& datagram : out) {
    const std::optional<SlotWord> word = DecodeSlots(after.Open(datagram.bytes).value().text);
    for (const ToldSlots& one : word.value().told)
      if (one.host == IdOfHost("a") && one.row == row) told.insert(one.limit);
  }
  EXPECT_TRUE(told.contains(IdOfLimit({"web", "x"})));
  EXPECT_TRUE(told.contains(IdOfLimit({"web", "y"})));
}

TEST(SlotExchangeTest, AnotherLimitIsFollowed) {
  SlotWorld world({});
  world.WantAll(200);
  world.RunFor(seconds(10));
  for (size_t i = 0; i < 5; ++i) {
    world.SetLimit(i, 200);
    world.RunFor(seconds(1));
  }
  world.RunFor(seconds(5));
  EXPECT_GE(world.held(), 194u);
  for (size_t i = 0; i < 5; ++i) world.SetLimit(i, 50);
  world.RunFor(seconds(10));
  EXPECT_GE(world.held(), 46u);
  world.ForgetMost();
  world.RunFor(seconds(20));
  EXPECT_LE(world.most_granted(), 50u);
}

TEST(SlotExchangeTest, ALowerLimitHoldsAlsoWhenHostsWereReplaced) {
  SlotWorld world({.hosts = 8, .started = 5});
  world.WantAll(200);
  world.RunFor(seconds(10));
  for (size_t i = 0; i < 3; ++i) {
    world.Crash(i);
    world.RunFor(minutes(11));
    world.Start(5 + i);
    world.RunFor(seconds(10));
  }
  EXPECT_GE(world.held(), 96u);
  for (size_t i = 0; i < 8; ++i) world.SetLimit(i, 50);
  world.RunFor(seconds(20));
  world.ForgetMost();
  world.RunFor(seconds(20));
  EXPECT_LE(world.most_granted(), 50u);
  EXPECT_GE(world.held(), 46u);
}

TEST(SlotExchangeTest, AMinorityThatBeginsAnewDecidesNothing) {
  SlotWorld world({});
  world.WantAll(200);
  world.RunFor(seconds(10));
  world.SetGroup(3, 1);
  world.SetGroup(4, 1);
  for (size_t i = 3; i < 5; ++i) {
    world.Crash(i);
    world.RunFor(seconds(1));
    world.Start(i);
  }
  world.RunFor(minutes(9));
  EXPECT_GE(world.HeldBy(3) + world.HeldBy(4), 37u) << "it goes on with what it had";
  world.RunFor(minutes(12));
  EXPECT_LE(world.HeldBy(3) + world.HeldBy(4), 40u) << "and takes nothing, however long that is";
}

TEST(SlotExchangeTest, ALimitThatComesAndGoesIsOneLimit) {
  SlotWorld world({});
  world.WantAll(200);
  world.RunFor(seconds(10));
  world.WantAll(0);
  world.Want(1, 200);
  world.RunFor(seconds(5));
  for (size_t i = 0; i < 5; ++i) {
    world.SetLimit(i, 0);
    world.RunFor(milliseconds(700));
  }
  world.WantAll(200);
  world.RunFor(seconds(30));
  for (size_t i = 0; i < 5; ++i) {
    world.SetLimit(i, 100);
    world.RunFor(milliseconds(700));
  }
  world.RunFor(seconds(10));
  EXPECT_GE(world.held(), 96u);
  EXPECT_LE(world.most_granted(), 100u);
}

TEST(SlotExchangeTest, HostsWithoutTheLimitAreNotWaitedForForLong) {
  SlotWorld world({});
  for (size_t i = 2; i < 5; ++i) world.SetLimit(i, 0);
  world.WantAll(200);
  world.RunFor(seconds(90));
  EXPECT_GE(world.HeldBy(0) + world.HeldBy(1), 96u);
  EXPECT_LE(world.most_granted(), 100u);
}

TEST(SlotExchangeTest, OneSlotGoesRound) {
  SlotWorld world({.limit = 1});
  world.WantAll(3);
  world.RunFor(seconds(10));
  std::map<size_t, int> had;
  for (int i = 0; i < 6'000; ++i) {
    world.RunFor(milliseconds(10));
    for (size_t host = 0; host < 5; ++host) had[host] += world.HeldBy(host) > 0 ? 1 : 0;
  }
  for (size_t host = 0; host < 5; ++host) EXPECT_GT(had[host], 300) << host;
  EXPECT_LE(world.most_granted(), 1u);
}

TEST(SlotExchangeTest, WithLocalEachSideHasTheLimit) {
  SlotWorld::Options options;
  options.settings.local = true;
  SlotWorld world(options);
  world.WantAll(200);
  world.RunFor(seconds(10));
  EXPECT_LE(world.most_granted(), 100u);
  world.SetGroup(3, 1);
  world.SetGroup(4, 1);
  world.RunFor(seconds(10));
  EXPECT_GE(world.HeldBy(0) + world.HeldBy(1) + world.HeldBy(2), 96u);
  EXPECT_GE(world.HeldBy(3) + world.HeldBy(4), 96u);
}

TEST(SlotExchangeTest, AHostAloneHasAllAtOnce) {
  SlotWorld world({.hosts = 1});
  world.WantAll(200);
  world.RunFor(milliseconds(20));
  EXPECT_EQ(world.HeldBy(0), 100u);
}

TEST(SlotExchangeTest, WhatIsToldIsLittle) {
  SlotWorld world({});
  world.WantAll(200);
  world.RunFor(seconds(10));
  const uint64_t before = world.bytes();
  world.RunFor(seconds(10));
  const double per_host_and_s = static_cast<double>(world.bytes() - before) / 50;
  RecordProperty("bytes_per_host_per_s", std::to_string(per_host_and_s));
  EXPECT_LT(per_host_and_s, 20'000);
}

// Whatever happens, in whatever order: never above the limit, and the whole of it in the end.
void Storm(uint64_t seed) {
  SCOPED_TRACE(seed);
  Prng random(seed);
  const size_t hosts = 2 + random.Below(5);
  SlotWorld world({.hosts = hosts, .limit = 100, .seed = seed, .loss_percent = random.Below(30)});
  std::vector<bool> dead(hosts, false);
  for (int i = 0; i < 60; ++i) {
    const size_t host = random.Below(hosts);
    switch (random.Below(6)) {
      case 0:
        if (!dead[host]) world.Crash(host);
        dead[host] = true;
        break;
      case 1:
        if (dead[host]) world.Start(host);
        dead[host] = false;
        break;
      case 2:
        world.SetGroup(host, static_cast<int>(random.Below(2)));
        break;
      default:
        world.Want(host, random.Below(150));
    }
    world.RunFor(milliseconds(random.Below(4'000)));
    ASSERT_LE(world.most_granted(), 100u) << i;
  }
  for (size_t i = 0; i < hosts; ++i) {
    if (dead[i]) world.Start(i);
    world.SetGroup(i, 0);
  }
  world.WantAll(300);
  world.RunFor(seconds(30));
  EXPECT_GE(world.held(), 94u);
  EXPECT_LE(world.most_granted(), 100u);
}

TEST(SlotExchangeTest, NoStormBreaksTheLimit) {
  for (uint64_t seed = 1; seed <= 20; ++seed) Storm(seed);
}

}  // namespace
}  // namespace lb::controlplane
