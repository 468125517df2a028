// Measures a cluster of members in the simulator, for any number of them and any seed:
//   bazel run -c opt //tests/sim:swim_report -- MEMBERS [SEED [WORLDS [EACH [PART...]]]]
// EACH is how often something is done in each world; a PART is crash, steady, update, burst or
// healing (all of them), and with "crash:25" that loss alone, in percent.
#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <vector>

#include "absl/strings/numbers.h"
#include "tests/sim/swim_bars.h"

namespace lb::sim {
namespace {

// What is asked for.
struct Parts {
  std::vector<std::string> names{};  // None: everything.

  bool Has(const std::string& name) const {
    return names.empty() || std::count(names.begin(), names.end(), name) > 0;
  }
  std::vector<double> Losses(const std::string& name) const {
    std::vector<double> losses;
    for (const int percent : {0, 5, 25})
      if (Has(name) || Has(name + ":" + std::to_string(percent))) losses.push_back(percent / 100.0);
    return losses;
  }
};

void ReportCrashes(Trial run, const Parts& parts) {
  for (const double loss : parts.Losses("crash")) {
    run.loss = loss;
    const Detection seen = MeasureCrashes(run);
    std::printf(
        "crash    %3.0f %% lost: first suspect %5.2f/%5.2f  first dead %5.2f/%5.2f  all dead "
        "%5.2f/%5.2f  spread %4.2f/%4.2f s (p50/p99)  never %zu  false %zu\n",
        100 * loss, seen.first_suspect.Quantile(0.5), seen.first_suspect.Quantile(0.99),
        seen.first_dead.Quantile(0.5), seen.first_dead.Quantile(0.99), seen.all_dead.Quantile(0.5),
        seen.all_dead.Quantile(0.99), seen.spread.Quantile(0.5), seen.spread.Quantile(0.99),
        seen.never, seen.false_failures);
    std::fflush(stdout);
  }
}

void ReportSteady(Trial run, const Parts& parts) {
  for (const double loss : parts.Losses("steady")) {
    run.loss = loss;
    const Steady steady = MeasureSteady(run, std::clamp<size_t>(60'000 / run.members, 60, 600));
    std::printf(
        "steady   %3.0f %% lost: %5.2f packets/s  %7.0f bytes/s  false deaths %.2f an hour  "
        "healthy %.2f\n",
        100 * loss, steady.packets_per_s, steady.bytes_per_s, steady.false_per_hour,
        steady.healthy);
    std::fflush(stdout);
  }
}

void ReportSpread(Trial run, const Parts& parts) {
  for (const double loss : parts.Losses("update")) {
    run.loss = loss;
    const Spread spread = MeasureUpdates(run);
    std::printf("update   %3.0f %% lost: 99 %% of members %.2f/%.2f  all %.2f/%.2f s  missed %zu\n",
                100 * loss, spread.most.Quantile(0.5), spread.most.Quantile(0.99),
                spread.all.Quantile(0.5), spread.all.Quantile(0.99), spread.missed);
    std::fflush(stdout);
  }
}

void Report(const Trial& run, const Parts& parts) {
  std::printf("%zu members, seed %llu, %zu worlds\n", run.members,
              static_cast<unsigned long long>(run.seed), run.worlds);
  ReportCrashes(run, parts);
  ReportSteady(run, parts);
  ReportSpread(run, parts);
  if (parts.Has("burst")) {
    const Samples burst = MeasureBurstJoin(run);
    std::printf("burst    all know all after %.1f s, %.1f s at most\n", burst.Quantile(0.5),
                burst.Max());
  }
  if (!parts.Has("healing")) return;
  const Samples healing = MeasureHealing(run, 60);
  std::printf("healing  after 60 s of partition: %.1f s, %.1f s at most\n", healing.Quantile(0.5),
              healing.Max());
}

}  // namespace
}  // namespace lb::sim

int main(int argc, char** argv) {
  lb::sim::Trial run{.each = 8};
  uint64_t* const numbers[] = {&run.members, &run.seed, &run.worlds, &run.each};
  for (int i = 1; i < argc && i <= 4; ++i)
    if (!absl::SimpleAtoi(argv[i], numbers[i - 1]) || *numbers[i - 1] == 0) {
      std::fprintf(stderr, "usage: swim_report MEMBERS [SEED [WORLDS [EACH [PART...]]]]\n");
      return EXIT_FAILURE;
    }
  lb::sim::Parts parts;
  for (int i = 5; i < argc; ++i) parts.names.emplace_back(argv[i]);
  lb::sim::Report(run, parts);
  return EXIT_SUCCESS;
}
