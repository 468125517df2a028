// `lbctl describe`: everything about single rules, backends or workers. Threading: main thread.
#pragma once

#include "absl/status/statusor.h"
#include "cli/client.h"
#include "cli/exit_code.h"
#include "cli/globals.h"
#include "cli/resource.h"

namespace lb::cli {

// Prints each thing of the selection: its fields, a rule's backends, what a worker refused, and the
// alerts about it and what it has. Exit code kPartly when some of several names failed.
absl::StatusOr<ExitCode> RunDescribe(const Globals& globals, const Selection& selection);

// The same of one thing as text without colours, over a connection that is there.
absl::StatusOr<std::string> DescribeText(const Globals& globals, AdminClient& client, Type type,
                                         const std::string& name);

}  // namespace lb::cli
