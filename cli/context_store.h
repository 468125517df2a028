// Where the context file is, read and written, and what the chosen context says. Blocks on the
// disk; threading: main thread.
#pragma once

#include <functional>
#include <string>

#include "absl/status/statusor.h"
#include "cli/context_file.h"
#include "cli/globals.h"

namespace lb::cli {

// The path and whether somebody named it: --config, LBCTL_CONFIG, else lb/lbctl.yaml in
// XDG_CONFIG_HOME or ~/.config. Empty: there is no home.
struct ContextPath {
  std::string path;
  bool named = false;
};
ContextPath FindContextPath(const GlobalFlags& flags, const GetEnv& get_env);

// Reads it. A file that is not there has no contexts, unless it was named: NotFound.
absl::StatusOr<ContextFile> LoadContexts(const ContextPath& path);

// Changes the file: under a lock, so that of two changes at once none is lost, and whole, so that a
// reader sees the old or the new one. Owner only (0600); makes its folder. An error of `change`
// changes nothing.
absl::Status ChangeContexts(const ContextPath& path,
                            const std::function<absl::Status(ContextFile&)>& change);

// The context that holds: --context, LBCTL_CONTEXT, else the file's current one.
struct ChosenContext {
  std::string name;  // Empty: none.
  Context settings;  // Files as seen from here, not from the folder of the file.
  ContextPath path;
};

// InvalidArgument: no such context, with the one that was meant.
absl::StatusOr<ChosenContext> ChooseContext(const GlobalFlags& flags, const GetEnv& get_env);

// An environment in which a variable that is not set has the value of the context: flag, then
// environment, then context, then default.
GetEnv WithContext(const GetEnv& get_env, const ChosenContext& context);

// What is to be said when --context was given and a variable stands before it: whoever named a
// context may not know that another endpoint is used. Empty: nothing.
std::string OverriddenNote(const GlobalFlags& flags, const GetEnv& get_env,
                           const ChosenContext& context);

// The error for a context that is not in `file`.
absl::Status NoSuchContext(const std::string& name, const ContextFile& file,
                           const std::string& path);

}  // namespace lb::cli
