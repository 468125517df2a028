#include "controlplane/loop/admin_turn.h"

#include <chrono>
#include <optional>
#include <utility>
#include <variant>

#include "absl/strings/str_cat.h"
#include "controlplane/admin/certificate_answers.h"
#include "controlplane/admin/config_answers.h"
#include "controlplane/admin/member_answers.h"
#include "controlplane/admin/rule_answers.h"
#include "controlplane/admin/status_answer.h"
#include "controlplane/admin/worker_answers.h"
#include "controlplane/loop/audit_turn.h"
#include "controlplane/loop/backend_turn.h"
#include "controlplane/loop/cancel_turn.h"
#include "controlplane/loop/change_event.h"
#include "controlplane/loop/client_turn.h"
#include "controlplane/loop/config_call_turn.h"
#include "controlplane/loop/config_change_turn.h"
#include "controlplane/loop/connection_turn.h"
#include "controlplane/loop/event_turn.h"
#include "controlplane/loop/key_turn.h"
#include "controlplane/loop/log_turn.h"
#include "controlplane/loop/member_turn.h"
#include "controlplane/loop/operation_turn.h"
#include "controlplane/loop/repeat_turn.h"
#include "controlplane/loop/resource_turn.h"
#include "controlplane/loop/rollout_turn.h"
#include "controlplane/loop/worker_order_turn.h"

namespace lb::controlplane {
namespace {

// The two clocks are read one after the other, so that their distance differs by a little each
// time, and with it every time shown of an old event. It is kept until the wall clock was really
// set.
ClockReading Steadied(const ClockReading& clock, Parts& parts) {
  constexpr Duration kNoise = std::chrono::milliseconds(50);
  const Duration offset = clock.wall.time_since_epoch() - clock.steady.time_since_epoch();
  if (!parts.wall_offset || std::chrono::abs(offset - *parts.wall_offset) > kNoise)
    parts.wall_offset = offset;
  const Duration wall = clock.steady.time_since_epoch() + *parts.wall_offset;
  return {clock.steady, WallTime(std::chrono::duration_cast<WallTime::duration>(wall))};
}

// Answers one kind of call each.
struct Answerer {
  const AdminRequest& event;
  const View& view;
  Parts& parts;
  Turn& turn;

  Outcome<admin::v1::Status> operator()(const admin::v1::GetStatusRequest&) {
    return DescribeStatus(view);
  }
  Outcome<admin::v1::Rule> operator()(const admin::v1::GetRuleRequest& request) {
    return GetRule(view, request);
  }
  Outcome<admin::v1::ListRulesResponse> operator()(const admin::v1::ListRulesRequest& request) {
    return ListRules(view, request);
  }
  Outcome<admin::v1::Backend> operator()(const admin::v1::GetBackendRequest& request) {
    return GetBackend(view, request);
  }
  Outcome<admin::v1::ListBackendsResponse> operator()(
      const admin::v1::ListBackendsRequest& request) {
    return ListBackends(view, request);
  }
  Outcome<admin::v1::Worker> operator()(const admin::v1::GetWorkerRequest& request) {
    return GetWorker(view, request);
  }
  Outcome<admin::v1::ListWorkersResponse> operator()(const admin::v1::ListWorkersRequest& request) {
    return ListWorkers(view, request);
  }
  Outcome<admin::v1::Operation> operator()(const admin::v1::DrainWorkerRequest& request) {
    return DrainWorker(request, view, parts, turn);
  }
  Outcome<admin::v1::Operation> operator()(const admin::v1::UndrainWorkerRequest& request) {
    return UndrainWorker(request, view, parts, turn);
  }
  Outcome<admin::v1::ValidateConfigResponse> operator()(
      const admin::v1::ValidateConfigRequest& request) {
    return AskAbout(ConfigQuestion::Kind::kValidate, request.content());
  }
  Outcome<admin::v1::PlanConfigResponse> operator()(const admin::v1::PlanConfigRequest& request) {
    return AskAbout(ConfigQuestion::Kind::kPlan, request.content());
  }
  Outcome<admin::v1::ApplyConfigResponse> operator()(const admin::v1::ApplyConfigRequest& request) {
    return OnApply(request, event, parts, turn);
  }
  Outcome<admin::v1::Config> operator()(const admin::v1::ConfirmConfigRequest& request) {
    return OnConfirm(request, event.request, parts, turn);
  }
  Outcome<admin::v1::ApplyConfigResponse> operator()(
      const admin::v1::RollbackConfigRequest& request) {
    return OnRollback(request, event, parts, turn);
  }
  Outcome<admin::v1::Config> operator()(const admin::v1::GetConfigRequest& request) {
    return GetConfig(view, request);
  }
  Outcome<admin::v1::ListConfigsResponse> operator()(const admin::v1::ListConfigsRequest& request) {
    return ListConfigs(view, request);
  }
  Outcome<admin::v1::Rollout> operator()(const admin::v1::GetRolloutRequest&) {
    return DescribeRollout(view);
  }
  Outcome<admin::v1::Rollout> operator()(const admin::v1::WatchRolloutRequest&) {
    if (auto failure = WatchRollout(event.request, parts)) return *std::move(failure);
    return Later{};
  }
  Outcome<admin::v1::Operation> operator()(const admin::v1::GetOperationRequest& request) {
    return GetOperation(request.name(), parts);
  }
  Outcome<admin::v1::Operation> operator()(const admin::v1::WaitOperationRequest& request) {
    return WaitOperation(request, event.request, parts, turn);
  }
  Outcome<admin::v1::ListOperationsResponse> operator()(
      const admin::v1::ListOperationsRequest& request) {
    return ListOperations(view, request);
  }
  Outcome<admin::v1::Operation> operator()(const admin::v1::CancelOperationRequest& request) {
    return CancelOperation(request, event, parts, turn);
  }
  Outcome<admin::v1::ResourceChange> operator()(const admin::v1::WatchResourcesRequest& request) {
    if (auto failure = WatchResources(request, event, parts, turn)) return *std::move(failure);
    return Later{};
  }
  Outcome<admin::v1::Event> operator()(const admin::v1::WatchEventsRequest& request) {
    return OnWatchEvents(request, event, parts, turn);
  }
  Outcome<admin::v1::ListEventsResponse> operator()(const admin::v1::ListEventsRequest& request) {
    return ListEvents(request, parts);
  }
  Outcome<admin::v1::Operation> operator()(const admin::v1::DrainBackendRequest& request) {
    return DrainBackend({event, view, parts, turn}, request);
  }
  Outcome<admin::v1::Backend> operator()(const admin::v1::UndrainBackendRequest& request) {
    return UndrainBackend({event, view, parts, turn}, request);
  }
  Outcome<admin::v1::Backend> operator()(const admin::v1::MaintainBackendRequest& request) {
    return MaintainBackend({event, view, parts, turn}, request);
  }
  Outcome<admin::v1::Backend> operator()(const admin::v1::SetBackendWeightRequest& request) {
    return SetBackendWeight({event, view, parts, turn}, request);
  }
  Outcome<admin::v1::Backend> operator()(const admin::v1::ResetBackendRequest& request) {
    return ResetBackend({event, view, parts, turn}, request);
  }
  Outcome<admin::v1::ListConnectionsResponse> operator()(
      const admin::v1::ListConnectionsRequest& request) {
    return ListConnections(event, view, request, parts, turn);
  }
  Outcome<admin::v1::Operation> operator()(const admin::v1::KillConnectionsRequest& request) {
    return KillConnections(event, view, request, parts, turn);
  }
  Outcome<admin::v1::ListLimitsResponse> operator()(const admin::v1::ListLimitsRequest& request) {
    return ListLimits(event, view, request, parts, turn);
  }
  Outcome<admin::v1::ListClientsResponse> operator()(const admin::v1::ListClientsRequest& request) {
    return ListClients(event, view, request, parts, turn);
  }
  Outcome<admin::v1::ExplainConnectionResponse> operator()(
      const admin::v1::ExplainConnectionRequest& request) {
    return ExplainConnection(event, view, request, parts, turn);
  }
  Outcome<admin::v1::ListCertificatesResponse> operator()(
      const admin::v1::ListCertificatesRequest& request) {
    return ListCertificates(view, request);
  }
  Outcome<admin::v1::ListMembersResponse> operator()(const admin::v1::ListMembersRequest& request) {
    return ListMembers(view, request);
  }
  Outcome<admin::v1::Member> operator()(const admin::v1::GetMemberRequest& request) {
    return GetMember(view, request);
  }
  Outcome<admin::v1::JoinMembersResponse> operator()(const admin::v1::JoinMembersRequest& request) {
    return JoinMembers(view, request, parts);
  }
  Outcome<admin::v1::Member> operator()(const admin::v1::ForgetMemberRequest& request) {
    return ForgetMember(view, request, parts);
  }
  Outcome<admin::v1::ListKeysResponse> operator()(const admin::v1::ListKeysRequest&) {
    return ListKeys(event, view, parts);
  }
  Outcome<admin::v1::ChangeKeyResponse> operator()(const admin::v1::ChangeKeyRequest& request) {
    return ChangeKey(event, view, request, parts);
  }
  Outcome<admin::v1::LeaveClusterResponse> operator()(
      const admin::v1::LeaveClusterRequest& request) {
    return LeaveCluster(view, request, parts);
  }
  Outcome<admin::v1::GetLogLevelsResponse> operator()(const admin::v1::GetLogLevelsRequest&) {
    return DescribeLogLevels(view, parts);
  }
  Outcome<admin::v1::GetLogLevelsResponse> operator()(
      const admin::v1::SetLogLevelRequest& request) {
    return ChangeLogLevel(view, event, request, parts, turn);
  }

  // Answered when the configuration was looked at.
  struct Promise {
    std::optional<Failure> failure;
    template <typename Answer>
    operator Outcome<Answer>() && {
      if (failure) return *std::move(failure);
      return Later{};
    }
  };
  Promise AskAbout(ConfigQuestion::Kind kind, const std::string& content) {
    return {Ask({kind, event.request}, content, parts, turn)};
  }
};

}  // namespace

View ViewOf(const Parts& parts, const ClockReading& clock) {
  return {.self = parts.self,
          .file = parts.file,
          .live = parts.live,
          .resolver = parts.resolver,
          .services = parts.services,
          .health = parts.health,
          .outliers = parts.outliers,
          .versions = parts.versions,
          .workers = parts.workers,
          .totals = parts.totals,
          .operations = parts.operations,
          .history = parts.history,
          .confirmation = parts.confirmation,
          .overrides = parts.overrides,
          .certificates = parts.certificates,
          .tickets = *parts.tickets,
          .cluster = parts.cluster_status,
          .channel = parts.channel,
          .usage = parts.usage,
          .slots = parts.slots,
          .rates = parts.rates,
          .bandwidths = parts.bandwidths,
          .page_key = parts.page_key,
          .clock = clock};
}

void OnAdminRequest(const AdminRequest& event, Parts& parts, Turn& turn) {
  const View view = ViewOf(parts, Steadied(event.clock, parts));
  std::visit(
      [&](const auto& call) {
        if (IsRepeat(event, call, parts, turn)) return;
        NoteChangeBegins(event, parts);
        auto outcome = Answerer{event, view, parts, turn}(call);
        NoteChange(event, call, !std::holds_alternative<Later>(outcome),
                   std::get_if<Failure>(&outcome), parts, turn);
        if (auto* failure = std::get_if<Failure>(&outcome))
          Fail(event.request, std::move(*failure), turn);
        else if (auto* answer = std::get_if<0>(&outcome))
          Answer(event.request, std::move(*answer), turn);
      },
      event.call);
}

void OnAdminCallEnded(const AdminCallEnded& event, Parts& parts, Turn& turn) {
  parts.events.watches.erase(event.request);
  parts.waiters.erase(event.request);
  parts.rollout_watches.erase(event.request);
  parts.resource_watches.erase(event.request);
  // A change with a request id may be asked for again: its answer is kept for that.
  if (parts.requests.Holds(event.request)) return;
  NoteAbandonedChange(event.request, parts, turn);
  ForgetAsker(event.request, parts);
  ForgetConnectionList(event.request, parts);
  ForgetClientQuestion(event.request, parts);
  ForgetKeyQuestion(event.request, parts);
}

void Answer(RequestId request, AdminAnswer answer, Turn& turn) {
  if (auto* operation = std::get_if<admin::v1::Operation>(&answer))
    *operation = WithState(std::move(*operation));
  turn.actions.push_back(Reply{request, std::nullopt, std::move(answer)});
}

void Fail(RequestId request, Failure failure, Turn& turn) {
  turn.actions.push_back(Reply{request, std::move(failure), {}});
}

}  // namespace lb::controlplane
