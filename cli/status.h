// `lbctl status`: how the control plane, its workers and backends are, on one screen.
#pragma once

#include <string>

#include "absl/status/statusor.h"
#include "base/time.h"
#include "cli/exit_code.h"
#include "cli/globals.h"
#include "lb/admin/v1/admin.pb.h"

namespace lb::cli {

// The screen as text, ages relative to `now`. Pure.
std::string RenderStatusScreen(const lb::admin::v1::Status& status, WallTime now, bool color);

// The status in the form that -o asks for; `watched` gives JSON on one line.
std::string RenderStatus(const Globals& globals, const lb::admin::v1::Status& status, bool watched);

// Prints the status once. With `check` any alert is kFindings.
absl::StatusOr<ExitCode> RunStatus(const Globals& globals, bool check);

}  // namespace lb::cli
