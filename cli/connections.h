// `lbctl connections list|kill`.
#pragma once

#include <cstdint>
#include <string>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

struct ConnectionOptions {
  std::string rule;     // "web" or "rules/web"; empty: all.
  std::string backend;  // "web/web-1" and so on; empty: all.
  std::string client;   // CIDR; empty: all.
  int32_t limit = 0;
  uint32_t rate_per_s = 0;
  bool all = false;
  bool yes = false;
  bool dry_run = false;
};

absl::StatusOr<ExitCode> RunConnectionsList(const Globals& globals,
                                            const ConnectionOptions& options);

// Shows how many match, asks unless told not to, ends them and waits for it. kUsage when nobody can
// be asked or the answer is no.
absl::StatusOr<ExitCode> RunConnectionsKill(const Globals& globals,
                                            const ConnectionOptions& options);

}  // namespace lb::cli
