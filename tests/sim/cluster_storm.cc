#include "tests/sim/cluster_storm.h"

#include <algorithm>

#include "absl/strings/str_cat.h"

namespace lb::sim {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

namespace {

constexpr milliseconds kShortestPause{200};
constexpr seconds kLongestPause{5};
constexpr milliseconds kShortestFault{300};
constexpr seconds kLongestFault{20};
constexpr milliseconds kMostLate{80};
// Above its limit by so much, a client notices the limit in every window.
constexpr double kBusy = 1.2;

double SecondsSince(Instant begin, Instant end) {
  return std::chrono::duration<double>(end - begin).count();
}

}  // namespace

Duration ClusterStorm::Between(Duration low, Duration high) {
  return low + Duration(prng_.Below(static_cast<uint64_t>((high - low).count()) + 1));
}

void ClusterStorm::Rage(Duration time) {
  ++storms_;
  Next(world_.now() + time);
  world_.RunFor(time);
}

void ClusterStorm::Next(Instant end) {
  world_.queue().After(Between(kShortestPause, kLongestPause), [this, end] {
    if (world_.now() >= end) return;
    constexpr const char* kFaults[] = {
        "partition",          "partition",           "bad network",      "machine crashes",
        "control plane dies", "control plane stops", "held up",          "worker dies",
        "wall clock set",     "backend flaps",       "new configuration"};
    Happen(kFaults[prng_.Below(std::size(kFaults))]);
    Next(end);
  });
}

void ClusterStorm::Happen(const char* fault) {
  ++faults_[fault];
  const std::string_view name = fault;
  const size_t index = prng_.Below(world_.hosts());
  ClusterHost& host = world_.host(index);
  const Duration time = Between(kShortestFault, kLongestFault);
  const auto later = [this, time, storm = storms_](std::function<void()> what) {
    // What Calm has mended is not to be touched again.
    world_.queue().After(time, [this, storm, what = std::move(what)] {
      if (storm != storms_) return;
      what();
      world_.traffic().Disturb();
    });
  };
  // Neither has a part in rates.
  if (name != "wall clock set" && name != "backend flaps") world_.traffic().Disturb();
  if (name == "partition") return Split();
  if (name == "bad network") {
    world_.SetFaults({.loss = static_cast<double>(prng_.Below(1'000)) / 1'000 * loss_,
                      .duplicate = static_cast<double>(prng_.Below(200)) / 1'000,
                      .late = Between(Duration{0}, kMostLate)});
    return later([this] { world_.SetFaults({}); });
  }
  if (name == "machine crashes") {
    host.CrashMachine();
    return later([&host] { host.StartMachine(); });
  }
  if (name == "control plane dies") {
    host.KillControlPlane();
    return later([&host] { host.StartControlPlane(); });
  }
  if (name == "control plane stops") return host.StopControlPlane();
  if (name == "held up") return host.HoldUp(time);
  if (name == "worker dies") return host.CrashWorker(prng_.Below(host.workers().size()));
  if (name == "wall clock set") return host.SetWallClock(hours(prng_.Chance(1, 2) ? 1 : -1));
  if (name == "backend flaps") {
    world_.SetBackendUp(index, false);
    return later([this, index] { world_.SetBackendUp(index, true); });
  }
  world_.Reconfigure();
}

void ClusterStorm::Split() {
  std::vector<int> parts(world_.hosts());
  const uint64_t count = 1 + prng_.Below(3);  // One: the split is over.
  for (int& part : parts) part = static_cast<int>(prng_.Below(count));
  world_.Split(parts);
}

Convergence ClusterStorm::Calm() {
  ++storms_;
  world_.Heal();
  const Instant healed = world_.now();
  Convergence result;
  const auto synced = [&] {
    if (result.synced_s < 0 && world_.AllAreSynced())
      result.synced_s = SecondsSince(healed, world_.now());
    return result.synced_s >= 0;
  };
  const bool joined = world_.RunUntil(
      [&] {
        synced();
        return world_.AllAreMembers();
      },
      kMembersBar);
  if (!joined) {
    world_.Violated("not all are members again in time");
    return result;
  }
  result.members_s = SecondsSince(healed, world_.now());
  if (!world_.RunUntil(synced, kSyncedBar)) world_.Violated("not all workers are synced in time");
  world_.RunFor(kShareTime);
  CheckRates(result);
  return result;
}

bool ClusterStorm::IsBusy(const ClusterTraffic::Record& record) const {
  return record.client.rule == ClusterWorld::kWeb &&
         record.client.per_s >= kBusy * world_.settings().rate_per_s;
}

void ClusterStorm::CheckRates(Convergence& result) {
  const double limit = world_.settings().rate_per_s;
  world_.traffic().ForgetWindows();
  world_.RunFor(seconds(ClusterTraffic::kWindow + 1));
  for (const ClusterTraffic::Record& record : world_.traffic().records()) {
    if (!IsBusy(record)) continue;
    const double first = record.window_per_s / limit;
    result.least_first = std::min(result.least_first, first);
    result.most_first = std::max(result.most_first, first);
    if (first < kLeastFirst || first > kMostFirst)
      world_.Violated(absl::StrCat("a client (", ClusterTraffic::NameOf(record.client.pattern),
                                   ") has ", first, " of its limit after all faults"));
  }
  world_.RunFor(seconds(ClusterTraffic::kWindow));
  for (const ClusterTraffic::Record& record : world_.traffic().records()) {
    if (!IsBusy(record)) continue;
    const double next = record.window_per_s / limit;
    result.least_next = std::min(result.least_next, next);
    result.most_next = std::max(result.most_next, next);
  }
}

StormOutcome RunStorms(const ClusterWorld::Settings& settings, double loss, Duration faulty,
                       size_t rounds) {
  constexpr size_t kClients = 4;
  ClusterWorld world(settings);
  world.Start();
  world.AddClients(kClients);
  world.RunFor(seconds(ClusterTraffic::kWindow));
  ClusterStorm storm(world, loss, settings.seed);
  for (size_t round = 0; round < rounds && world.violation().empty(); ++round) {
    storm.Rage(faulty);
    storm.Calm();
  }
  return {world.violation(), world.trace(), world.counts().steps};
}

}  // namespace lb::sim
