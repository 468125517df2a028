// One run of a simulated cluster through storms, and a table of it. Threading: none.
#pragma once

#include <cstdint>

namespace lb::sim {

struct ReportOptions {
  uint64_t seed = 1;
  uint64_t seeds = 1;
  uint64_t members = 5;  // 1 to 200.
  uint64_t workers = 2;  // Of each, 1 to 16.
  uint64_t minutes = 5;  // Of virtual time, 1 to 10,000: at least; faults, then calm, in turn.
  uint64_t clients = 8;  // Whose rate is limited, 0 to 10,000; as many again hold connections.
  uint64_t loss_percent = 25;  // The highest, 0 to 90.

  bool IsValid() const;
};

// Prints the table; false: an invariant was broken.
bool Report(const ReportOptions& options);

}  // namespace lb::sim
