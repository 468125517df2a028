// Measures a cluster of members in the simulator, for any number of them and any seed:
//   bazel run -c opt //tests/sim:swim_report -- MEMBERS [SEED [WORLDS]]
#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "absl/strings/numbers.h"
#include "tests/sim/swim_bars.h"

namespace lb::sim {
namespace {

void ReportCrashes(Trial run) {
  for (const double loss : {0.0, 0.05, 0.25}) {
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

void ReportSteady(Trial run) {
  for (const double loss : {0.0, 0.05, 0.25}) {
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

void ReportSpread(Trial run) {
  for (const double loss : {0.0, 0.25}) {
    run.loss = loss;
    const Spread spread = MeasureUpdates(run);
    std::printf("update   %3.0f %% lost: 99 %% of members %.2f/%.2f  all %.2f/%.2f s  missed %zu\n",
                100 * loss, spread.most.Quantile(0.5), spread.most.Quantile(0.99),
                spread.all.Quantile(0.5), spread.all.Quantile(0.99), spread.missed);
    std::fflush(stdout);
  }
}

void Report(const Trial& run) {
  std::printf("%zu members, seed %llu, %zu worlds\n", run.members,
              static_cast<unsigned long long>(run.seed), run.worlds);
  ReportCrashes(run);
  ReportSteady(run);
  ReportSpread(run);
  const Samples burst = MeasureBurstJoin(run);
  std::printf("burst    all know all after %.1f s, %.1f s at most\n", burst.Quantile(0.5),
              burst.Max());
  const Samples healing = MeasureHealing(run, 60);
  std::printf("healing  after 60 s of partition: %.1f s, %.1f s at most\n", healing.Quantile(0.5),
              healing.Max());
}

}  // namespace
}  // namespace lb::sim

int main(int argc, char** argv) {
  lb::sim::Trial run{.each = 8};
  uint64_t* const numbers[] = {&run.members, &run.seed, &run.worlds};
  for (int i = 1; i < argc && i <= 3; ++i)
    if (!absl::SimpleAtoi(argv[i], numbers[i - 1]) || *numbers[i - 1] == 0) {
      std::fprintf(stderr, "usage: swim_report MEMBERS [SEED [WORLDS]]\n");
      return EXIT_FAILURE;
    }
  lb::sim::Report(run);
  return EXIT_SUCCESS;
}
