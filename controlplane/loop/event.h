// What can happen to the control plane. Plain values: the shell makes them from sockets, files and
// clocks, the simulator from a seed.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "absl/status/status.h"
#include "base/endpoint.h"
#include "base/time.h"
#include "controlplane/access/role.h"
#include "controlplane/config/config.h"
#include "controlplane/config/finding.h"
#include "controlplane/discovery/service_endpoint.h"
#include "controlplane/loop/ids.h"
#include "controlplane/membership/gossip.h"
#include "controlplane/tls/material.h"
#include "lb/admin/v1/admin.pb.h"
#include "lb/admin/v1/backend.pb.h"
#include "lb/admin/v1/certificate.pb.h"
#include "lb/admin/v1/config.pb.h"
#include "lb/admin/v1/connection.pb.h"
#include "lb/admin/v1/event.pb.h"
#include "lb/admin/v1/limit.pb.h"
#include "lb/admin/v1/log.pb.h"
#include "lb/admin/v1/member.pb.h"
#include "lb/admin/v1/watch.pb.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

// The file was read, at the start, by a change on disk, or by SIGHUP.
struct ConfigRead {
  std::string path;
  std::optional<Config> config;  // Absent: it was refused.
  Findings findings;             // Warnings too.
  size_t findings_total = 0;
  std::string content{};  // Of a file that could be read.
  std::string digest{};   // SHA-256 of the content, raw; of the error when it could not be read.
  WallTime time{};        // When it was read.
  // The last good one, at a start with a bad file: it is taken, and says nothing of the file.
  bool from_history = false;
  // What is in the files of TLS that a good one names; nullptr where nobody looked.
  std::shared_ptr<const TlsMaterial> material{};
  std::map<std::string, std::string> bad_files{};  // See LoadResult.
  std::vector<RuleConfig> left_out{};              // See LoadResult.
  bool only_files = false;  // It was read since they changed; the content is as it was.
  // It is no read of the file, which is bad, but of the content that runs, since its files changed.
  bool of_running = false;
};

// ConfigTried::reason of a content with errors.
inline constexpr char kConfigInvalid[] = "CONFIG_INVALID";
// Of a state that could not be written.
inline constexpr char kStateNotSaved[] = "STATE_NOT_SAVED";

// What became of a TryConfig.
struct ConfigTried {
  uint64_t token = 0;
  absl::Status status;  // OK: it is good, and written if that was asked for.
  std::string reason;   // Of an error: "CONFIG_INVALID", "CONFIG_READ_ONLY", "CONFIG_MOVED", ...
  ConfigRead read;
};

// A worker's stream delivered a message. The first one of a session is its Hello.
struct WorkerMessage {
  SessionId session = 0;
  worker::v1::ConnectRequest message;
  uint64_t start_ticks = 0;  // With a hello: of its process, see WatchProcess; 0: not known.
};

// A worker's stream is over, for whatever reason.
struct WorkerStreamEnded {
  SessionId session = 0;
};

// A process that was watched (WatchProcess) is no more.
struct ProcessGone {
  uint32_t pid = 0;
  uint64_t start_ticks = 0;
};

// A health check has its result.
struct ProbeDone {
  ProbeId probe = 0;
  bool passed = false;
  std::string detail;  // "HTTP 200", "connect refused", "timeout"
  Duration took{};
};

// A DNS query has its answer. On failure `error` says why and `endpoints` is empty.
struct Resolved {
  QueryId query = 0;
  absl::Status error;
  std::vector<Endpoint> endpoints;   // IP endpoints; any order.
  std::chrono::milliseconds ttl{0};  // The smallest of the answer.
};

// All endpoints that a Service has now. Said when a watch of it begins, and at every change.
struct ServiceFound {
  ServiceRef service;
  std::vector<ServiceEndpoint> endpoints;  // Sorted by address, each once.
  std::string why_none{};                  // Without any: why, as SliceSet::WhyNone.
};

// The watch of a Service failed, and is tried again; what is known of it may be old by now.
struct ServiceLost {
  ServiceRef service;
  absl::Status error;
};

using AdminCall = std::variant<
    admin::v1::GetStatusRequest, admin::v1::GetRuleRequest, admin::v1::ListRulesRequest,
    admin::v1::GetBackendRequest, admin::v1::ListBackendsRequest, admin::v1::GetWorkerRequest,
    admin::v1::ListWorkersRequest, admin::v1::DrainWorkerRequest, admin::v1::UndrainWorkerRequest,
    admin::v1::GetOperationRequest, admin::v1::ValidateConfigRequest, admin::v1::PlanConfigRequest,
    admin::v1::ApplyConfigRequest, admin::v1::ConfirmConfigRequest,
    admin::v1::RollbackConfigRequest, admin::v1::GetConfigRequest, admin::v1::ListConfigsRequest,
    admin::v1::GetRolloutRequest, admin::v1::WatchRolloutRequest, admin::v1::ListOperationsRequest,
    admin::v1::WaitOperationRequest, admin::v1::ListEventsRequest, admin::v1::WatchEventsRequest,
    admin::v1::DrainBackendRequest, admin::v1::UndrainBackendRequest,
    admin::v1::MaintainBackendRequest, admin::v1::SetBackendWeightRequest,
    admin::v1::ResetBackendRequest, admin::v1::ListConnectionsRequest,
    admin::v1::KillConnectionsRequest, admin::v1::GetLogLevelsRequest,
    admin::v1::SetLogLevelRequest, admin::v1::CancelOperationRequest,
    admin::v1::WatchResourcesRequest, admin::v1::ListLimitsRequest, admin::v1::ListClientsRequest,
    admin::v1::ExplainConnectionRequest, admin::v1::ListCertificatesRequest,
    admin::v1::ListMembersRequest, admin::v1::GetMemberRequest, admin::v1::JoinMembersRequest,
    admin::v1::ForgetMemberRequest, admin::v1::ListKeysRequest, admin::v1::ChangeKeyRequest,
    admin::v1::LeaveClusterRequest>;

// Somebody asks. Exactly one Reply with the same id follows, in the same turn or later; answers of
// a stream (StreamItem) come before it.
struct AdminRequest {
  RequestId request = 0;
  AdminCall call;
  ClockReading clock;  // For the times in the answer.
  Caller caller{};
};

// The caller of a call not answered yet is gone (cancelled, deadline over, connection cut). No
// Reply is wanted any more. Not said of a call that changes something: what becomes of it is
// wanted for the audit trail.
struct AdminCallEnded {
  RequestId request = 0;
};

// From other members of the cluster, or from the sockets to them.
struct GossipIn {
  swim::ClusterEvent event;
};

// The process is about to end: whoever is to know of it is told. GossipOut with LeftCluster
// follows.
struct Stopping {};

// The deadline that NextDeadline() named has come.
struct TimerFired {};

using Event = std::variant<ConfigRead, ConfigTried, WorkerMessage, WorkerStreamEnded, ProcessGone,
                           ProbeDone, Resolved, ServiceFound, ServiceLost, AdminRequest,
                           AdminCallEnded, GossipIn, Stopping, TimerFired>;

}  // namespace lb::controlplane
