// LB_CHECK: a broken invariant ends the process, in production too. For bad input use absl::Status,
// for expected network trouble an enum and a counter.
#pragma once

#include <cstdio>
#include <cstdlib>

namespace lb {

// Prints what broke and aborts. Not for callers; use LB_CHECK.
[[noreturn]] inline void CheckFailed(const char* condition, const char* file, int line) {
  std::fprintf(stderr, "%s:%d: invariant broken: %s\n", file, line, condition);
  std::abort();
}

}  // namespace lb

#define LB_CHECK(condition)                            \
  (static_cast<bool>(condition) ? static_cast<void>(0) \
                                : ::lb::CheckFailed(#condition, __FILE__, __LINE__))
