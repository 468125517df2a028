// The exit codes of every lbctl command, and how an absl::Status becomes one.
//
// Errors travel as absl::Status with gRPC's canonical codes; what lbctl finds wrong in its own
// arguments is InvalidArgument. The machine-readable reason of a server and a hint for the person
// are payloads of the status.
#pragma once

#include <string>

#include "absl/status/status.h"

namespace lb::cli {

enum class ExitCode : int {
  kDone = 0,
  kFindings = 1,      // Findings, alerts, or a condition that was not met in time.
  kUsage = 2,         // Wrong arguments, or consent missing.
  kNotFound = 3,      // The server knows no such thing.
  kUnreachable = 4,   // No connection, no answer in time.
  kRefused = 5,       // No permission.
  kConflict = 6,      // The state of things does not allow it.
  kPartly = 7,        // Some of several names failed.
  kInternal = 70,     // A bug, on either side; sysexits.h EX_SOFTWARE.
  kInterrupted = 130  // Ended by SIGINT, as shells report it.
};

// Returns the table of `lbctl help exit-codes`, with line ends.
std::string ExitCodeHelp();

// Returns the exit code for an error. Requires !status.ok().
ExitCode ExitCodeFor(const absl::Status& status);

// Has ExitCodeFor return this one for an error of a command whose other codes are taken.
void SetExitCode(absl::Status& status, ExitCode code);

// Attach and read the stable upper-case reason of a server ("WORKER_NOT_FOUND"), empty when none.
void SetReason(absl::Status& status, const std::string& reason);
std::string GetReason(const absl::Status& status);

// Attaches what a server said in google.rpc.Status (AIP-193), serialised: the reason, metadata and
// violations, which RenderError and RenderErrorJson show. Bytes that do not parse count as nothing.
void SetDetails(absl::Status& status, const std::string& details);

// Attach and read what to do next, one or more lines, empty when none.
void SetHint(absl::Status& status, const std::string& hint);
std::string GetHint(const absl::Status& status);

// Returns InvalidArgument with a hint: wrong use of lbctl.
absl::Status UsageError(const std::string& message, const std::string& hint = "");

// Renders an error for people ("lbctl: message", then violations, then the hint), control
// characters escaped, with line ends.
std::string RenderError(const absl::Status& status);

// Renders an error as one line of JSON: {"kind":"Error","code":"NOT_FOUND",...,"exitCode":3}.
std::string RenderErrorJson(const absl::Status& status);

}  // namespace lb::cli
