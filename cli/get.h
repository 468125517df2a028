// `lbctl get`: rules, backends or workers, once or watched. Threading: main thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/client.h"
#include "cli/exit_code.h"
#include "cli/globals.h"
#include "cli/resource.h"
#include "cli/views.h"

namespace lb::cli {

// What a selection gave: items in the order asked for, and what could not be had by name.
struct Found {
  Items items;
  std::vector<std::pair<std::string, absl::Status>> missing;
};

// Fetches a selection. A named resource that fails is in `missing`; an error of the connection, or
// of a whole list, is the result.
absl::StatusOr<Found> Fetch(AdminClient& client, const Selection& selection);

// The table of some items, as wide as the terminal when stdout is one.
std::string RenderTable(const Globals& globals, Type type, const Items& items);

// Prints a selection once and returns how it went: kPartly when some of several names failed.
absl::StatusOr<ExitCode> RunGet(const Globals& globals, const Selection& selection);

}  // namespace lb::cli
