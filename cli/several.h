// One command for several names: what each said, and the exit code of all together.
#pragma once

#include <google/protobuf/message.h>

#include <functional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "cli/globals.h"

namespace lb::cli {

// Prints what came of one name: the message, its resource's name, and words for people.
using PrintOne = std::function<void(const google::protobuf::Message& message,
                                    const std::string& name, const std::string& words)>;

// Runs `one` for each name. With one name the error is returned; with several each error goes to
// stderr, as JSON under -o json, and the code is that of the first error when all failed, kPartly
// when only some did. A server that does not answer, or refuses, is not asked about the others:
// they failed too. JSON and YAML of several are one list of `kind` at the end; each name
// that is not among its items is among its errors.
absl::StatusOr<ExitCode> RunForEach(
    const Globals& globals, const char* kind, const std::vector<std::string>& names,
    const std::function<absl::StatusOr<ExitCode>(const std::string& name, const PrintOne& print)>&
        one);

// Full names of backends from "RULE/NAME", "rules/RULE/backends/NAME" and the like.
// InvalidArgument: there is none, or one does not say its rule.
absl::StatusOr<std::vector<std::string>> ParseBackendNames(const std::vector<std::string>& words);

// "web/web-1" of "rules/web/backends/web-1", escaped.
std::string ShortBackendName(const std::string& name);

}  // namespace lb::cli
