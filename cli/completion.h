// `lbctl completion SHELL` and what its scripts call, `lbctl __complete WORD...`. Threading: main
// thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

// Prints the script for "bash", "zsh" or "fish". InvalidArgument for another.
absl::StatusOr<ExitCode> RunCompletion(const std::string& shell);

// Prints one candidate a line for the last of `words`, names of a server among them when it
// answers at once. Never fails and says nothing else: a shell is in the middle of a line.
void RunComplete(const std::vector<std::string>& words, const GetEnv& get_env);

}  // namespace lb::cli
