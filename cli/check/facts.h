// What `lbctl check` looks at, gathered beforehand: the checks themselves are pure functions of it.
//
// A fact that could not be had is unset, and its check is then left out and says so. Plain values.
#pragma once

#include <sys/types.h>

#include <cstdint>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/endpoint.h"
#include "base/tls_files.h"
#include "controlplane/config/load.h"
#include "lb/admin/v1/admin.pb.h"
#include "lb/admin/v1/certificate.pb.h"
#include "lb/admin/v1/event.pb.h"

namespace lb::cli {

struct PortRange {
  uint32_t first = 0;
  uint32_t last = 0;

  uint32_t size() const { return last - first + 1; }
  bool Has(uint32_t port) const { return first <= port && port <= last; }
};

// Settings and counters of the kernel, most of them files below /proc/sys.
struct KernelFacts {
  std::optional<uint64_t> somaxconn;
  std::optional<PortRange> ephemeral_ports;  // net.ipv4.ip_local_port_range
  std::vector<PortRange> reserved_ports;     // net.ipv4.ip_local_reserved_ports
  std::optional<uint64_t> unprivileged_port_start;
  std::optional<uint64_t> files_open;  // fs.file-nr
  std::optional<uint64_t> files_max;
  std::optional<uint64_t> nr_open;
  std::optional<uint64_t> tcp_pages;  // Used; /proc/net/sockstat.
  std::optional<uint64_t> tcp_pressure_pages;
  std::optional<uint64_t> tcp_high_pages;
  std::optional<uint64_t> conntrack_count;  // Unset: connections are not tracked.
  std::optional<uint64_t> conntrack_max;
  std::optional<uint64_t> tcp_migrate_requests;
  std::optional<int> reuse_port_error;  // errno of a try; 0: works.
  std::optional<int> splice_error;
};

// A running lb-controlplane or lb-worker of this host that can be seen.
struct ProcessFacts {
  std::string program;
  int64_t pid = 0;
  std::optional<uint64_t> descriptors_limit;  // RLIMIT_NOFILE, soft.
  std::optional<uint64_t> descriptors_open;
  std::set<Endpoint> listening{};  // Of a worker: what is listened on in its network namespace.
  TlsPaths tls{};                  // --tls-* of its command line.
  std::vector<std::string>
      apis{};          // Of a control plane: --admin-api and --worker-api, or defaults.
  std::string id{};    // --id, likewise; of a worker.
  std::string http{};  // --http, likewise; empty: the default.
};

// A configuration file, looked at by the code of the control plane.
struct FileFacts {
  std::string path;
  std::string read_error;  // Why it could not be read; then `result` is empty.
  controlplane::LoadResult result;
  std::string etag;  // Of its content, as the control plane makes it.
};

// A try to bind a listen address (--pre).
struct BindFacts {
  std::string rule;
  Endpoint address;
  int error = 0;  // errno; 0: it can be bound.
};

// A set of TLS files.
struct CertificateFacts {
  std::string owner;  // "lbctl", "lb-controlplane (pid 12)"
  TlsPaths paths;
  std::string error;  // A file that cannot be read or holds nothing of use; the rest is then unset.
  mode_t key_mode = 0600;
  bool key_matches = true;
  std::string chain_error;   // Why the certificate does not lead to the authority; times aside.
  int64_t not_before_s = 0;  // Since the epoch; of the certificate.
  int64_t not_after_s = 0;
  int64_t ca_not_after_s = 0;      // Of the authority whose time ends first.
  std::vector<std::string> names;  // Subject alternative names: "URI:spiffe://lb/admin/x".
};

// What the control plane says.
struct ServerFacts {
  admin::v1::Status status;
  std::vector<admin::v1::Rule> rules;
  std::vector<admin::v1::Backend> backends;
  std::vector<admin::v1::Worker> workers;
  std::vector<admin::v1::Event> events;  // Those kept, oldest first.
  std::string running_etag;              // Empty: not known.
  // Files of TLS of its rules; unset: it does not tell.
  std::optional<std::vector<admin::v1::Certificate>> rule_certificates{};
};

// A door to the admin API.
struct DoorFacts {
  std::string endpoint;
  std::optional<mode_t> socket_mode;      // Of a unix socket.
  std::optional<mode_t> folder_mode;      // Of the folder it is in.
  std::optional<bool> answers_strangers;  // Of TCP: to TLS without a certificate, or to no TLS.
};

struct Facts {
  bool pre = false;   // Before anything of lb runs here.
  int64_t now_s = 0;  // Since the epoch.
  KernelFacts kernel;
  std::vector<ProcessFacts> processes;
  std::optional<FileFacts> file;
  std::vector<BindFacts> binds;
  std::vector<CertificateFacts> certificates;
  std::vector<DoorFacts> doors;
  absl::Status server_error;          // Why `server` is unset.
  std::optional<ServerFacts> server;  // Never set with `pre`.
  std::string lbctl_version;
};

}  // namespace lb::cli
