// Operations of the server: followed to their end, and printed.
#pragma once

#include <chrono>
#include <string>

#include "absl/status/statusor.h"
#include "cli/client.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

// Asks for the operation until it is done, at most for `limit`; says on stderr how it goes. Returns
// it as it was last.
absl::StatusOr<api::Operation> FollowOperation(const Globals& globals, AdminClient& client,
                                               api::Operation operation, const std::string& what,
                                               std::chrono::milliseconds limit);

// `lbctl operation cancel`: takes an operation, "operations/7", back; with `dry_run` only checks.
absl::StatusOr<ExitCode> RunCancel(const Globals& globals, const std::string& name, bool dry_run);

// Prints a message in the format asked for: `words` for people, its `name` or JSON or YAML.
void PrintMessage(const Globals& globals, const google::protobuf::Message& message,
                  const std::string& name, const std::string& words);

// Prints an answer with a list in its field `items` (as JSON names it) as JSON or YAML: a list of
// `kind`, like those of get.
void PrintList(const Globals& globals, const char* kind, const char* items,
               const google::protobuf::Message& message);

}  // namespace lb::cli
