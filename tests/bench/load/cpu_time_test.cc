#include "tests/bench/load/cpu_time.h"

#include <unistd.h>

#include "gtest/gtest.h"

namespace lb::bench {
namespace {

// Burns CPU until the process has run this much longer.
void RunFor(uint64_t ns) {
  const uint64_t end = ReadOwnCpuNs() + ns;
  while (ReadOwnCpuNs() < end) {
  }
}

TEST(CpuTimeTest, GrowsWithWhatAProcessRuns) {
  constexpr uint64_t kRunNs = 50'000'000;
  constexpr uint64_t kTickNs = 10'000'000;  // The scheduler may account a running thread this late.
  const uint64_t before = ReadCpuTime({getpid()}).run_ns;
  RunFor(kRunNs);
  EXPECT_GE(ReadCpuTime({getpid()}).run_ns, before + kRunNs - kTickNs);
}

TEST(CpuTimeTest, AProcessThatIsGoneAddsNothing) {
  constexpr pid_t kNobody = 1 << 30;  // Above the kernel's highest.
  EXPECT_EQ(ReadCpuTime({kNobody}).run_ns, 0u);
  EXPECT_EQ(ReadCpuTime({}).run_ns, 0u);
}

}  // namespace
}  // namespace lb::bench
