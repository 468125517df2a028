// The CPU time of processes, in nanoseconds, from /proc/PID/task/*/schedstat (Linux,
// Documentation/scheduler/sched-stats.rst). Threading: none.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <vector>

namespace lb::bench {

struct CpuTime {
  uint64_t run_ns = 0;   // On a processor, in user space and in the kernel.
  uint64_t wait_ns = 0;  // Ready to run, while something else had the processor.
};

// Sums over all threads that the processes have now. A process that is gone adds nothing.
CpuTime ReadCpuTime(const std::vector<pid_t>& processes);

// Of this process, to the nanosecond.
uint64_t ReadOwnCpuNs();

}  // namespace lb::bench
