// Runs a whole cluster in the simulator, through storms of faults from a seed:
//   bazel run -c opt //tests/sim -- [--seed S] [--members N] [--workers W] [--minutes M]
//       [--clients C] [--loss P] [--seeds K]
// Prints what happened as a table; exits with 1 when an invariant was broken.
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "absl/strings/numbers.h"
#include "tests/sim/cluster_report.h"

namespace lb::sim {
namespace {

constexpr char kUsage[] =
    "usage: sim [--seed S] [--seeds K] [--members N] [--workers W] [--minutes M] [--clients C] "
    "[--loss P]\n"
    "  seeds: so many, one after the other. loss: the highest, percent. clients: of limited "
    "rate.\n";

bool Parse(int argc, char** argv, ReportOptions& options) {
  for (int i = 1; i < argc; i += 2) {
    const std::string_view name = argv[i];
    uint64_t value = 0;
    if (i + 1 == argc || !absl::SimpleAtoi(argv[i + 1], &value)) return false;
    if (name == "--seed")
      options.seed = value;
    else if (name == "--seeds")
      options.seeds = value;
    else if (name == "--members")
      options.members = value;
    else if (name == "--workers")
      options.workers = value;
    else if (name == "--minutes")
      options.minutes = value;
    else if (name == "--clients")
      options.clients = value;
    else if (name == "--loss")
      options.loss_percent = value;
    else
      return false;
  }
  return options.IsValid();
}

}  // namespace
}  // namespace lb::sim

int main(int argc, char** argv) {
  lb::sim::ReportOptions options;
  if (!lb::sim::Parse(argc, argv, options)) {
    std::fputs(lb::sim::kUsage, stderr);
    return 2;
  }
  bool good = true;
  for (uint64_t i = 0; i < options.seeds; ++i) {
    lb::sim::ReportOptions one = options;
    one.seed = options.seed + i;
    good &= lb::sim::Report(one);
  }
  return good ? EXIT_SUCCESS : EXIT_FAILURE;
}
