// `lbctl config`: files checked and explained by the control plane's own code, without one.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "cli/exit_code.h"
#include "controlplane/config/load.h"

namespace lb::cli {

struct ValidateOptions {
  std::string file;    // "-" is standard input.
  std::string format;  // "text", "json" or "github".
  bool strict = false;
};

// The text of a file, or of standard input for "-", at most kMaxConfigBytes; InvalidArgument when
// it cannot be read.
absl::StatusOr<std::string> ReadConfigText(const std::string& file);

// The environment and the files of this process, as a configuration may refer to them.
controlplane::Sources LocalSources();

// Prints every finding; kFindings when the file would be refused, or has warnings and is to be
// strict. A file that cannot be read is a finding too, as for the control plane.
absl::StatusOr<ExitCode> RunValidate(const ValidateOptions& options);

// Writes the JSON Schema of lb.yaml to stdout, or to the file `out`.
absl::StatusOr<ExitCode> RunSchema(const std::string& out);

// Prints what the key at `path` means; NotFound with the closest key.
absl::StatusOr<ExitCode> RunExplain(const std::string& path);

}  // namespace lb::cli
