#include "tests/bench/load/idle_hold.h"

#include <signal.h>
#include <time.h>

#include <algorithm>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/time.h"
#include "tests/bench/load/limits.h"
#include "tests/e2e/tools/report.h"

namespace lb::bench {
namespace {

// Connections whose exchange is under way at once: the listen queues take that many.
constexpr uint32_t kOpeningMax = 128;
constexpr std::chrono::seconds kOpenTimeout{60};
constexpr std::chrono::seconds kHoldTimeout{120};

Instant Now() { return ReadClocks().steady; }

sigset_t EndSignals() {
  sigset_t set;
  sigemptyset(&set);
  sigaddset(&set, SIGTERM);
  sigaddset(&set, SIGINT);
  return set;
}

// Whether one of the blocked signals has come.
bool IsTold(const sigset_t& signals) {
  const timespec at_once{};
  return sigtimedwait(&signals, nullptr, &at_once) > 0;
}

void Report(const Generator& generator, const Meter& meter) {
  testpeer::WriteReport({{"held", generator.held()}, {"errors", meter.errors}});
}

absl::Status OpenAll(const Workload& workload, Generator& generator, const Meter& meter) {
  const Instant deadline = Now() + kOpenTimeout;
  uint32_t opened = 0;
  while (generator.held() < workload.connections) {
    const uint32_t opening = opened - generator.held();
    const uint32_t room = opening < kOpeningMax ? kOpeningMax - opening : 0;
    const uint32_t more = std::min(workload.connections - opened, room);
    generator.Open(more);
    opened += more;
    generator.Turn();
    if (const absl::Status status = CheckErrors(meter); !status.ok()) return status;
    if (Now() > deadline) {
      return absl::DeadlineExceededError(absl::StrCat("only ", generator.held(), " of ",
                                                      workload.connections, " connections opened"));
    }
  }
  return absl::OkStatus();
}

}  // namespace

absl::Status HoldIdle(const Workload& workload, Generator& generator, const Meter& meter) {
  const sigset_t signals = EndSignals();
  LB_CHECK(sigprocmask(SIG_BLOCK, &signals, nullptr) == 0);
  if (const absl::Status status = OpenAll(workload, generator, meter); !status.ok()) return status;
  Report(generator, meter);
  const Instant deadline = Now() + kHoldTimeout;
  while (!IsTold(signals)) {
    generator.Turn();
    if (const absl::Status status = CheckErrors(meter); !status.ok()) return status;
    if (Now() > deadline) return absl::DeadlineExceededError("nobody ended the hold");
  }
  Report(generator, meter);
  return absl::OkStatus();
}

}  // namespace lb::bench
