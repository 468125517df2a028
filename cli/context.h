// `lbctl context`: named places of control planes, kept in lbctl's own file. Asks no server.
// Threading: main thread.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "cli/context_store.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

// Prints all contexts, the current one marked.
absl::StatusOr<ExitCode> RunContextList(const GlobalFlags& flags, const GetEnv& get_env);

// Prints what holds now, each setting with where it comes from; of `name`, when it is not empty, as
// with --context.
absl::StatusOr<ExitCode> RunContextShow(GlobalFlags flags, const GetEnv& get_env,
                                        const std::string& name);

// Makes a context the current one. NotFound: there is none of that name.
absl::StatusOr<ExitCode> RunContextUse(const GlobalFlags& flags, const GetEnv& get_env,
                                       const std::string& name);

// Makes a context, or changes one, from the flags that are given; an empty value removes the
// setting. InvalidArgument: nothing was given, or a value that cannot be.
absl::StatusOr<ExitCode> RunContextSet(const GlobalFlags& flags, const GetEnv& get_env,
                                       const std::string& name);

// Deletes contexts, all or none of them.
absl::StatusOr<ExitCode> RunContextDelete(const GlobalFlags& flags, const GetEnv& get_env,
                                          const std::vector<std::string>& names);

// The names of all contexts, for completion; none when the file cannot be read.
std::vector<std::string> ContextNames(const GlobalFlags& flags, const GetEnv& get_env);

}  // namespace lb::cli
