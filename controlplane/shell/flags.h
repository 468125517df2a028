// The command line of lb-controlplane. Pure but for the host's name; threading: none.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "base/tls_files.h"

namespace lb::controlplane {

struct Flags {
  std::string config = "/etc/lb/lb.yaml";
  bool check_config = false;
  // At least one each, kinds kUnix and kIp; the latter only where `tls` is set.
  std::vector<Endpoint> worker_api;
  std::vector<Endpoint> admin_api;
  TlsPaths tls;             // All of them or none.
  std::string tls_cluster;  // The CLUSTER that certificates must name; empty: any. Only with `tls`.
  Endpoint http;            // Loopback TCP or kUnix; port 0 lets the kernel choose.
  std::string probe;        // Not empty: ask `http` for this page, print it and end.
  std::string state_dir = "/var/lib/lb";
  std::string node_id;
  std::string log_level = "info";
  std::string log_format = "text";
};

struct ParsedFlags {
  std::optional<Flags> flags;  // Absent: print `text` and exit 0 (--help, --version).
  std::string text;
};

// Longest --node-id: a host name (RFC 1035 2.3.4).
inline constexpr size_t kMaxNodeIdBytes = 253;

// Parses the arguments after the program's name. InvalidArgument says what is wrong with which
// flag.
absl::StatusOr<ParsedFlags> ParseFlags(std::vector<std::string> arguments);

}  // namespace lb::controlplane
