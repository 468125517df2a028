#include "tests/sim/swim_bars.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace lb::sim {
namespace {

using std::chrono::seconds;
using Kind = swim::MemberNotice::Kind;

constexpr seconds kSettleLimit{1'200};

double SecondsSince(Instant begin, Instant end) {
  return std::chrono::duration<double>(end - begin).count();
}

SwimWorld::Settings SettingsOf(const Trial& run, size_t world) {
  SwimWorld::Settings settings;
  settings.members = run.members;
  settings.faults.loss = run.loss;
  settings.tcp_ping = run.tcp_ping;
  settings.seed = run.seed * 1'000 + world;
  return settings;
}

// Joins without loss, which is not what is measured.
std::unique_ptr<SwimWorld> Settled(const Trial& run, size_t world) {
  auto made = std::make_unique<SwimWorld>(SettingsOf(run, world));
  made->network().SetLoss(0);
  made->Settle(kSettleLimit);
  made->network().SetLoss(run.loss);
  return made;
}

// Until all know each other again, without loss: it is not what is measured.
void Resettle(const Trial& run, SwimWorld& world) {
  world.network().SetLoss(0);
  const Instant end = world.now() + kSettleLimit;
  while (!world.AllAgree() || !world.IsQuiet()) {
    LB_CHECK(world.now() < end);
    world.RunFor(seconds(1));
  }
  world.network().SetLoss(run.loss);
  world.RunFor(seconds(2));
  world.ClearCounts();
}

void AddCrash(SwimWorld& world, size_t victim, Instant crashed, bool all, Detection& result) {
  std::map<Kind, std::pair<Instant, Instant>> first_last;
  for (const SwimWorld::Notice& notice : world.notices()) {
    if (notice.about != victim || notice.at < crashed) continue;
    auto [it, added] = first_last.try_emplace(notice.kind, notice.at, notice.at);
    it->second.second = notice.at;
  }
  if (const auto it = first_last.find(Kind::kSuspected); it != first_last.end())
    result.first_suspect.Add(SecondsSince(crashed, it->second.first));
  const auto dead = first_last.find(Kind::kFailed);
  if (dead == first_last.end() || !all) {
    ++result.never;
    return;
  }
  result.first_dead.Add(SecondsSince(crashed, dead->second.first));
  result.all_dead.Add(SecondsSince(crashed, dead->second.second));
  result.spread.Add(SecondsSince(dead->second.first, dead->second.second));
}

// Whether all that are up know it as being in `state`.
bool AllSee(const SwimWorld& world, size_t members, size_t about, swim::State state) {
  for (size_t observer = 0; observer < members; ++observer)
    if (world.IsUp(observer) && observer != about && world.StateAt(observer, about) != state)
      return false;
  return true;
}

}  // namespace

double Samples::Quantile(double part) const {
  if (values_.empty()) return 0;
  std::vector<double> sorted = values_;
  std::sort(sorted.begin(), sorted.end());
  const double at = std::ceil(part * static_cast<double>(sorted.size())) - 1;
  return sorted[static_cast<size_t>(std::max(at, 0.0))];
}

Detection MeasureCrashes(const Trial& run) {
  Detection result;
  for (size_t i = 0; i < run.worlds; ++i) {
    const std::unique_ptr<SwimWorld> world = Settled(run, i);
    Prng prng(run.seed + i);
    for (size_t kill = 0; kill < run.each; ++kill) {
      const size_t victim = 1 + prng.Below(run.members - 1);
      world->RunFor(std::chrono::milliseconds(prng.Below(1'000)));
      const Instant crashed = world->now();
      world->Crash(victim);
      // Asked as rarely as the answer may be late.
      bool all = false;
      for (int second = 0; second < 120 && !all; ++second) {
        world->RunFor(seconds(1));
        all = AllSee(*world, run.members, victim, swim::State::kDead);
      }
      AddCrash(*world, victim, crashed, all, result);
      result.false_failures += world->FalseFailures();
      world->Start(victim, 1);
      Resettle(run, *world);
    }
  }
  return result;
}

Steady MeasureSteady(const Trial& run, size_t for_s) {
  Steady steady;
  size_t false_failures = 0;
  size_t healthy = 0;
  for (size_t i = 0; i < run.worlds; ++i) {
    const std::unique_ptr<SwimWorld> world = Settled(run, i);
    world->RunFor(seconds(10));
    world->ClearCounts();
    world->RunFor(seconds(for_s));
    steady.packets_per_s += static_cast<double>(world->packets());
    steady.bytes_per_s += static_cast<double>(world->bytes());
    false_failures += world->FalseFailures();
    for (size_t member = 0; member < run.members; ++member)
      healthy += world->swim(member).awareness() == 0 ? 1 : 0;
  }
  const double member_s = static_cast<double>(run.members * run.worlds * for_s);
  steady.packets_per_s /= member_s;
  steady.bytes_per_s /= member_s;
  steady.false_per_hour = static_cast<double>(false_failures) * 3'600 / member_s;
  steady.healthy = static_cast<double>(healthy) / static_cast<double>(run.members * run.worlds);
  return steady;
}

Spread MeasureUpdates(const Trial& run) {
  Spread result;
  for (size_t i = 0; i < run.worlds; ++i) {
    const std::unique_ptr<SwimWorld> world = Settled(run, i);
    Prng prng(run.seed + i);
    for (size_t update = 0; update < run.each; ++update) {
      const size_t member = prng.Below(run.members);
      world->RunFor(std::chrono::milliseconds(prng.Below(1'000)));
      world->ClearCounts();
      const Instant begin = world->now();
      world->Say(member, absl::StrCat("update ", update));
      size_t looked = 0;
      std::vector<Instant> heard;
      const bool all = world->RunUntil(
          [&] {
            for (; looked < world->notices().size(); ++looked) {
              const SwimWorld::Notice& notice = world->notices()[looked];
              if (notice.kind == Kind::kUpdated && notice.about == member)
                heard.push_back(notice.at);
            }
            return heard.size() + 1 == run.members;
          },
          seconds(300));
      const size_t most = (run.members * 99 + 99) / 100 - 1;
      if (heard.size() >= most) result.most.Add(SecondsSince(begin, heard[most - 1]));
      if (all) result.all.Add(SecondsSince(begin, heard.back()));
      result.missed += all ? 0 : 1;
      Resettle(run, *world);
    }
  }
  return result;
}

Samples MeasureBurstJoin(const Trial& run) {
  Samples samples;
  for (size_t i = 0; i < run.worlds; ++i) {
    SwimWorld world(SettingsOf(run, i));
    const Instant begin = world.now();
    world.StartAll(1);
    while (!world.AllAgree() && world.now() - begin < kSettleLimit)
      world.RunFor(std::chrono::milliseconds(100));
    samples.Add(SecondsSince(begin, world.now()));
  }
  return samples;
}

Samples MeasureHealing(const Trial& run, size_t for_s) {
  Samples samples;
  for (size_t i = 0; i < run.worlds; ++i) {
    const std::unique_ptr<SwimWorld> world = Settled(run, i);
    for (size_t member = 0; member < run.members; ++member)
      world->network().SetPart(member, static_cast<int>(member % 2));
    world->RunFor(seconds(for_s));
    for (size_t member = 0; member < run.members; ++member) world->network().SetPart(member, 0);
    const Instant healed = world->now();
    while (!world->AllAgree() && world->now() - healed < kSettleLimit)
      world->RunFor(std::chrono::milliseconds(100));
    samples.Add(SecondsSince(healed, world->now()));
  }
  return samples;
}

size_t MeasureStalls(const Trial& run, size_t stalled, size_t hold_s) {
  size_t failures = 0;
  for (size_t i = 0; i < run.worlds; ++i) {
    const std::unique_ptr<SwimWorld> world = Settled(run, i);
    const Instant end = world->now() + seconds(120);
    while (world->now() < end) {
      for (size_t member = 0; member < stalled; ++member)
        world->network().HoldUntil(member, world->now() + seconds(hold_s));
      world->RunFor(seconds(hold_s + 1));
    }
    for (const SwimWorld::Notice& notice : world->notices())
      if (notice.kind == Kind::kFailed && notice.about >= stalled) ++failures;
  }
  return failures;
}

Leaves MeasureLeaves(const Trial& run) {
  Leaves result;
  for (size_t i = 0; i < run.worlds; ++i) {
    const std::unique_ptr<SwimWorld> world = Settled(run, i);
    Prng prng(run.seed + i);
    for (size_t leave = 0; leave < run.each; ++leave) {
      const size_t member = 1 + prng.Below(run.members - 1);
      const Instant begin = world->now();
      world->Leave(member);
      const bool all = world->RunUntil(
          [&] { return AllSee(*world, run.members, member, swim::State::kLeft); }, seconds(60));
      if (all) result.all.Add(SecondsSince(begin, world->now()));
      world->RunFor(seconds(5));
      world->Crash(member);
      world->RunFor(seconds(30));
      for (const SwimWorld::Notice& notice : world->notices())
        if (notice.kind == Kind::kFailed && notice.about == member) ++result.failures;
      world->Start(member, 1);
      Resettle(run, *world);
    }
  }
  return result;
}

}  // namespace lb::sim
