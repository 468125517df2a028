#include "tests/bench/load/cpu_time.h"

#include <time.h>

#include <filesystem>
#include <fstream>
#include <string>
#include <system_error>

#include "base/check.h"

namespace lb::bench {

CpuTime ReadCpuTime(const std::vector<pid_t>& processes) {
  CpuTime total;
  for (const pid_t process : processes) {
    const std::string tasks = "/proc/" + std::to_string(process) + "/task";
    std::error_code gone;
    for (std::filesystem::directory_iterator task(tasks, gone), end; !gone && task != end;
         task.increment(gone)) {
      std::ifstream file(task->path() / "schedstat");
      CpuTime thread;
      if (!(file >> thread.run_ns >> thread.wait_ns)) continue;
      total.run_ns += thread.run_ns;
      total.wait_ns += thread.wait_ns;
    }
  }
  return total;
}

uint64_t ReadOwnCpuNs() {
  timespec spent{};
  LB_CHECK(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &spent) == 0);
  return static_cast<uint64_t>(spent.tv_sec) * 1'000'000'000 + static_cast<uint64_t>(spent.tv_nsec);
}

}  // namespace lb::bench
