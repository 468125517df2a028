#include "tests/sim/cluster_report.h"

#include <algorithm>
#include <chrono>
#include <cinttypes>
#include <cstdio>

#include "tests/sim/cluster_storm.h"

namespace lb::sim {
namespace {

using std::chrono::seconds;

// Faults for a while, then none.
constexpr seconds kFaulty{40};
constexpr seconds kCycle{120};

void PrintRates(const ClusterWorld& world) {
  ClusterTraffic::Extremes calm;
  ClusterTraffic::Extremes disturbed;
  for (const ClusterTraffic::Record& record : world.traffic().records()) {
    if (record.client.rule != ClusterWorld::kWeb) continue;
    calm.least = std::min(calm.least, record.calm.least);
    calm.most = std::max(calm.most, record.calm.most);
    disturbed.least = std::min(disturbed.least, record.disturbed.least);
    disturbed.most = std::max(disturbed.most, record.disturbed.most);
  }
  std::printf("  %-34s %.1f to %.1f/s (limit %.0f)\n", "10-s windows of a client, with faults",
              disturbed.least, disturbed.most, world.settings().rate_per_s);
  if (calm.most > 0)
    std::printf("  %-34s %.1f to %.1f/s\n", "  in calm times", calm.least, calm.most);
}

void PrintCounts(const ClusterWorld& world, double virtual_s, double real_s) {
  const ClusterWorld::Counts counts = world.counts();
  const double host_s = virtual_s * static_cast<double>(world.hosts());
  std::printf("  %-34s %" PRIu64 " of %" PRIu64 " of a backend on a host, %" PRIu64 " of %" PRIu64
              " of the pool\n",
              "most connections", counts.most_web, world.settings().web_limit, counts.most_pool,
              world.settings().pool_limit);
  std::printf("  %-34s %.2f packets, %.0f bytes\n", "membership, of a host per second",
              static_cast<double>(counts.packets) / host_s,
              static_cast<double>(counts.bytes) / host_s);
  std::printf("  %-34s %.2f packets, %.0f bytes\n", "usage, of a host per second",
              static_cast<double>(counts.usage_packets) / host_s,
              static_cast<double>(counts.usage_bytes) / host_s);
  std::printf("  %-34s %" PRIu64 " steps, %" PRIu64
              " events of control planes; %.0f steps and "
              "%.0f virtual seconds a second\n",
              "simulator", counts.steps, counts.events, static_cast<double>(counts.steps) / real_s,
              virtual_s / real_s);
}

}  // namespace

bool ReportOptions::IsValid() const {
  return members >= 1 && members <= 200 && workers >= 1 && workers <= 16 && minutes >= 1 &&
         minutes <= 10'000 && clients <= 10'000 && loss_percent <= 90;
}

bool Report(const ReportOptions& options) {
  const auto real_begin = std::chrono::steady_clock::now();
  ClusterWorld world({.hosts = options.members, .workers = options.workers, .seed = options.seed});
  const Instant begin = world.now();
  world.Start();
  world.AddClients(options.clients);
  world.RunFor(seconds(20));
  ClusterStorm storm(world, static_cast<double>(options.loss_percent) / 100, options.seed);
  Convergence worst{.members_s = 0, .synced_s = 0};
  const Instant last = begin + std::chrono::minutes(options.minutes);
  while (world.now() < last && world.violation().empty()) {
    const Instant end = world.now() + kCycle;
    storm.Rage(kFaulty);
    const Convergence seen = storm.Calm();
    worst.members_s = std::max(worst.members_s, seen.members_s);
    worst.synced_s = std::max(worst.synced_s, seen.synced_s);
    worst.least_first = std::min(worst.least_first, seen.least_first);
    worst.most_first = std::max(worst.most_first, seen.most_first);
    worst.least_next = std::min(worst.least_next, seen.least_next);
    worst.most_next = std::max(worst.most_next, seen.most_next);
    if (world.now() < end) world.RunFor(end - world.now());
  }
  const double virtual_s = std::chrono::duration<double>(world.now() - begin).count();
  const double real_s =
      std::chrono::duration<double>(std::chrono::steady_clock::now() - real_begin).count();
  std::printf("seed %" PRIu64 ": %zu members, %" PRIu64 " workers each, %.0f s\n", options.seed,
              world.hosts(), options.workers, virtual_s);
  for (const auto& [fault, count] : storm.faults())
    std::printf("  %-34s %" PRIu64 "\n", fault.c_str(), count);
  PrintRates(world);
  if (worst.most_next > 0)
    std::printf("  %-34s %.2f to %.2f of the limit, then %.2f to %.2f\n",
                "  from 2 s after all are members on", worst.least_first, worst.most_first,
                worst.least_next, worst.most_next);
  std::printf("  %-34s %.1f s, workers synced %.1f s\n", "all members again, at most",
              worst.members_s, worst.synced_s);
  PrintCounts(world, virtual_s, real_s);
  std::printf("  %-34s %016" PRIx64 "\n", "trace", world.trace());
  std::printf("  %-34s %s\n", "broken",
              world.violation().empty() ? "nothing" : world.violation().c_str());
  std::fflush(stdout);
  return world.violation().empty();
}

}  // namespace lb::sim
