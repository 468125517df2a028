// `lbctl tls`: an authority and certificates for tests and first steps.
//
// Keys are P-256, files are written whole or not at all, keys with mode 0600. Threading: none.
#pragma once

#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/time.h"
#include "cli/exit_code.h"

namespace lb::cli {

// How long they hold. One who needs more than first steps has an authority with a renewal.
inline constexpr int kAuthorityDays = 5 * 365;
inline constexpr int kCertificateDays = 365;

struct TlsOptions {
  std::string folder;             // Has ca.crt and ca.key; made with mode 0700 where it is missing.
  bool force = false;             // Overwrite.
  std::string role;               // server, worker, viewer, operator or admin.
  std::string name;               // NAME of the role; of a server only the file's.
  std::string cluster;            // In the URI spiffe://CLUSTER/ROLE/NAME.
  std::vector<std::string> sans;  // Host names and IP addresses; of a server at least one.
};

// Writes FOLDER/ca.crt and ca.key and prints their paths. AlreadyExists without `force`.
absl::StatusOr<ExitCode> RunGenerateCa(const TlsOptions& options, WallTime now);

// Writes FOLDER/ROLE-NAME.crt and .key, signed by the authority in FOLDER, and prints their paths.
// InvalidArgument names what is wrong; NotFound without an authority.
absl::StatusOr<ExitCode> RunGenerateCert(const TlsOptions& options, WallTime now);

}  // namespace lb::cli
