// How the configuration file on disk compares with the configuration that runs. Plain value.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/time.h"
#include "controlplane/config/finding.h"

namespace lb::controlplane {

struct FileStatus {
  std::string path;
  std::string digest;                 // Of its content as last read, raw.
  bool good = false;                  // The newest read was accepted.
  std::optional<Instant> bad_since;   // Set while reads are refused.
  std::optional<Instant> applied;     // When the running one was accepted.
  std::vector<std::string> left_out;  // Rules of it that do not run, since files are no good.
  Findings findings;                  // Of the newest read.
  size_t findings_total = 0;
  uint64_t reloads_total = 0;
  uint64_t failures_total = 0;
};

}  // namespace lb::controlplane
