// What the control plane wants done. Plain values, carried out in order by a shell; none is allowed
// to block the loop.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "base/endpoint.h"
#include "base/log.h"
#include "controlplane/admin/failure.h"
#include "controlplane/config/config.h"
#include "controlplane/loop/event.h"
#include "controlplane/membership/gossip.h"
#include "controlplane/tls/material.h"
#include "google/protobuf/message.h"
#include "lb/admin/v1/admin.pb.h"
#include "lb/admin/v1/certificate.pb.h"
#include "lb/admin/v1/config.pb.h"
#include "lb/admin/v1/event.pb.h"
#include "lb/admin/v1/member.pb.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

// Check a configuration as if it stood in the file; with `write` write it there too, if the file's
// content still has the digest `expected_digest` and everything given to SaveState before is on
// disk. Exactly one ConfigTried follows.
struct TryConfig {
  uint64_t token = 0;
  std::string content;
  bool write = false;
  std::string expected_digest;
  bool warnings_as_errors = false;
  bool after_save = false;  // Without `write`, too: only once that state is on disk.
  bool keep_old = false;    // With `write`: what stood in the file is kept beside it, FILE.refused.
};

// Keep the content of a revision of the configuration, or keep it no longer. Carried out in order,
// also with TryConfig.
struct KeepRevision {
  uint64_t number = 0;
  std::string content;
};
struct DropRevision {
  uint64_t number = 0;
};

// Send on a worker's stream, after everything sent on it before.
struct SendToWorker {
  SessionId session = 0;
  worker::v1::ConnectResponse message;
};

// End a worker's stream with a status. WorkerStreamEnded still follows.
struct CloseSession {
  SessionId session = 0;
  absl::Status status;
};

// Report ProcessGone with the same values when the process ends, also when it is gone already or
// the pid belongs to another one by now.
struct WatchProcess {
  uint32_t pid = 0;
  uint64_t start_ticks = 0;  // When it started, in clock ticks since the boot; 0: not known.
};

// How a health check speaks TLS. Shared by all checks of a rule.
struct ProbeTls {
  std::shared_ptr<const TlsMaterial> material;       // Holds what `settings` names.
  std::shared_ptr<const BackendTlsConfig> settings;  // Never nullptr.
  std::string server_name;  // Asked for, and verified; a host name or an IP address.
};

// Run one health check; exactly one ProbeDone follows, at the latest at the timeout.
struct StartProbe {
  ProbeId probe = 0;
  Endpoint address;  // Resolved, with the check's own port applied.
  HealthCheckConfig::Protocol protocol = HealthCheckConfig::Protocol::kTcp;
  std::string path;  // HTTP only.
  std::string host;  // HTTP and gRPC: the Host header, the authority.
  uint32_t expect_status = 200;
  std::chrono::milliseconds timeout{1'000};
  ProxyVersion proxy_header = ProxyVersion::kNone;  // Sent first; says that nobody is proxied.
  std::optional<ProbeTls> tls{};                    // Absent: plain.
  std::string grpc_service{};                       // gRPC only; empty: the whole server.
};

// Resolve a kName or kSrv endpoint; exactly one Resolved follows.
struct ResolveName {
  QueryId query = 0;
  Endpoint name;
  DnsConfig dns;
};

// Watch these Services and no others, with this API server. ServiceFound and ServiceLost follow for
// each, until another WatchServices no longer names it.
struct WatchServices {
  KubernetesConfig kubernetes;
  DnsConfig dns;                       // For an API server that is named.
  std::vector<ServiceRef> services{};  // Sorted.
};

using AdminAnswer = std::variant<
    admin::v1::Status, admin::v1::Rule, admin::v1::ListRulesResponse, admin::v1::Backend,
    admin::v1::ListBackendsResponse, admin::v1::Worker, admin::v1::ListWorkersResponse,
    admin::v1::Operation, admin::v1::ValidateConfigResponse, admin::v1::PlanConfigResponse,
    admin::v1::ApplyConfigResponse, admin::v1::Config, admin::v1::ListConfigsResponse,
    admin::v1::Rollout, admin::v1::ListOperationsResponse, admin::v1::Event,
    admin::v1::ListEventsResponse, admin::v1::ListConnectionsResponse,
    admin::v1::GetLogLevelsResponse, admin::v1::ResourceChange, admin::v1::ListLimitsResponse,
    admin::v1::ListClientsResponse, admin::v1::ExplainConnectionResponse,
    admin::v1::ListCertificatesResponse, admin::v1::ListMembersResponse, admin::v1::Member,
    admin::v1::JoinMembersResponse, admin::v1::ListKeysResponse, admin::v1::ChangeKeyResponse,
    admin::v1::LeaveClusterResponse>;

// The end of one AdminRequest: `answer` counts when there is no failure, and not after a stream.
struct Reply {
  RequestId request = 0;
  std::optional<Failure> failure;
  AdminAnswer answer;
  // Of a call that changes something, for the audit trail: what it is about as it was just before
  // and is now ("configs/7", "state=DRAIN weight=5"); empty where nothing is known of it.
  std::string before{};
  std::string after{};
};

// One more answer of a call that streams; many calls may share it. Of the type that the call
// streams.
struct StreamItem {
  RequestId request = 0;
  std::shared_ptr<const google::protobuf::Message> answer;
};

// Write the state file; a newer one replaces an older one that is still waiting.
struct SaveState {
  std::string bytes;  // A serialised state.StoredState.
};

// Write a log line.
struct WriteLog {
  LogLevel level = LogLevel::kInfo;
  std::string message;
  LogFields fields;
};

// Log lines of this level and above only, from now on.
struct SetLogLevel {
  std::optional<LogLevel> level;  // Unset: as the process was started.
  bool grpc = false;              // Of gRPC's own lines.
};

// Of this host's member of the cluster, to be carried out with its sockets.
struct GossipOut {
  swim::ClusterAction action;
};

using Action = std::variant<TryConfig, KeepRevision, DropRevision, SendToWorker, CloseSession,
                            WatchProcess, StartProbe, ResolveName, WatchServices, Reply, StreamItem,
                            SaveState, WriteLog, SetLogLevel, GossipOut>;

}  // namespace lb::controlplane
