#include "controlplane/loop/admin_turn.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "controlplane/admin/config_answers.h"
#include "controlplane/admin/rule_answers.h"
#include "controlplane/admin/status_answer.h"
#include "controlplane/admin/worker_answers.h"
#include "controlplane/loop/backend_turn.h"
#include "controlplane/loop/config_change_turn.h"
#include "controlplane/loop/connection_turn.h"
#include "controlplane/loop/event_turn.h"
#include "controlplane/loop/log_turn.h"
#include "controlplane/loop/rollout_turn.h"
#include "google/protobuf/descriptor.h"
#include "google/protobuf/message.h"

namespace lb::controlplane {
namespace {

Failure Precondition(const std::string& worker, const char* what, const char* reason) {
  return {absl::FailedPreconditionError(absl::StrCat("'", worker, "' ", what)), reason};
}

// Whether clients are refused once this worker drains.
bool IsLastAccepting(const Parts& parts, const WorkerKey& key) {
  if (parts.workers.Find(key)->draining) return false;
  for (const auto& [session, other] : parts.workers.sessions())
    if (other != key && !parts.workers.Find(other)->draining) return false;
  return true;
}

// The answer to an order that is only to be checked.
admin::v1::Operation Planned(const char* kind, const WorkerKey& key, uint64_t connections) {
  admin::v1::Operation operation;
  operation.set_done(true);
  operation.set_kind(kind);
  operation.set_target(absl::StrCat("workers/", key.id));
  operation.set_connections_left(connections);
  operation.set_status("checked only");
  return operation;
}

// Sends an order to a worker that is connected.
admin::v1::Operation Order(const WorkerKey& key, worker::v1::Command order, Parts& parts,
                           Turn& turn) {
  WorkerRecord& record = parts.workers.At(key);
  record.draining = order.has_drain();
  worker::v1::ConnectResponse message;
  *message.mutable_command() =
      parts.operations.Start(key, std::move(order), parts.totals.OfWorker(key).connections);
  turn.Send(*record.session, std::move(message));
  turn.Emit(record.draining ? "worker.drain" : "worker.undrain", absl::StrCat("workers/", key.id),
            LogLevel::kInfo, record.draining ? "drain ordered" : "undrain ordered",
            {{"worker", key.id}});
  return parts.operations.newest();
}

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

// How long a WaitOperation may wait.
Duration WaitTime(const admin::v1::WaitOperationRequest& request) {
  constexpr int64_t kDefaultS = 30;
  constexpr int64_t kMaxS = 3600;
  if (!request.has_timeout()) return std::chrono::seconds(kDefaultS);
  return std::chrono::seconds(std::clamp<int64_t>(request.timeout().seconds(), 0, kMaxS));
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
    const Outcome<WorkerKey> found = FindWorker(view, request.name());
    if (const auto* failure = std::get_if<Failure>(&found)) return *failure;
    const WorkerKey& key = std::get<WorkerKey>(found);
    const WorkerRecord& record = parts.workers.At(key);
    if (!record.session)
      return Precondition(request.name(), "is not connected", "WORKER_DISCONNECTED");
    // Asked twice is not wrong: the second one follows the first.
    if (const auto* running = parts.operations.RunningDrain(key)) return *running;
    if (!request.force() && IsLastAccepting(parts, key))
      return Precondition(request.name(),
                          "is the last worker that accepts connections: clients would be refused; "
                          "set force to do it all the same",
                          "LAST_ACCEPTING_WORKER");
    if (request.validate_only())
      return Planned("DrainWorker", key, parts.totals.OfWorker(key).connections);
    worker::v1::Command order;
    order.mutable_drain();
    if (request.has_timeout()) *order.mutable_drain()->mutable_timeout() = request.timeout();
    return Order(key, std::move(order), parts, turn);
  }
  Outcome<admin::v1::Operation> operator()(const admin::v1::UndrainWorkerRequest& request) {
    const Outcome<WorkerKey> found = FindWorker(view, request.name());
    if (const auto* failure = std::get_if<Failure>(&found)) return *failure;
    const WorkerKey& key = std::get<WorkerKey>(found);
    const WorkerRecord& record = parts.workers.At(key);
    if (!record.session)
      return Precondition(request.name(), "is not connected", "WORKER_DISCONNECTED");
    if (record.ending)
      return Precondition(request.name(), "is ending: a signal drains it for good",
                          "WORKER_ENDING");
    if (request.validate_only()) return Planned("UndrainWorker", key, 0);
    worker::v1::Command order;
    order.mutable_undrain();
    return Order(key, std::move(order), parts, turn);
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
    return OnRollback(request, event, parts);
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
    const admin::v1::Operation* operation = parts.operations.Find(request.name());
    if (operation != nullptr) return *operation;
    return Failure{absl::NotFoundError(absl::StrCat("'", request.name(), "' does not exist")),
                   "OPERATION_NOT_FOUND"};
  }
  Outcome<admin::v1::ListOperationsResponse> operator()(
      const admin::v1::ListOperationsRequest& request) {
    return ListOperations(view, request);
  }
  Outcome<admin::v1::Operation> operator()(const admin::v1::WaitOperationRequest& request) {
    const admin::v1::Operation* operation = parts.operations.Find(request.name());
    if (operation == nullptr)
      return Failure{absl::NotFoundError(absl::StrCat("'", request.name(), "' does not exist")),
                     "OPERATION_NOT_FOUND"};
    if (operation->done()) return *operation;
    parts.waiters[event.request] = {request.name(), turn.now + WaitTime(request)};
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

// A string field of a message, or "" when it has none of that name.
std::string TextOf(const google::protobuf::Message& message, const char* name) {
  const auto* field = message.GetDescriptor()->FindFieldByName(name);
  if (field == nullptr || field->cpp_type() != google::protobuf::FieldDescriptor::CPPTYPE_STRING)
    return "";
  return message.GetReflection()->GetString(message, field);
}

// Everybody who watches sees who changed what, refused attempts too. A change is a call that may
// carry a request id; one that only looks says validate_only.
void NoteChange(const AdminRequest& event, const google::protobuf::Message& call,
                const Failure* failure, Turn& turn) {
  const google::protobuf::Descriptor& type = *call.GetDescriptor();
  const auto* only_look = type.FindFieldByName("validate_only");
  if (type.FindFieldByName("request_id") == nullptr) return;
  if (only_look != nullptr && call.GetReflection()->GetBool(call, only_look)) return;
  admin::v1::Event& happened = turn.happened.emplace_back();
  happened.set_kind("api.change");
  happened.set_severity(failure == nullptr ? admin::v1::Event::SEVERITY_INFO
                                           : admin::v1::Event::SEVERITY_WARNING);
  happened.set_resource(TextOf(call, "name"));
  happened.set_message(failure == nullptr ? "a change was asked for" : "a change was refused");
  auto& attributes = *happened.mutable_attributes();
  attributes["call"] = std::string(absl::StripSuffix(type.name(), "Request"));
  attributes["caller"] = event.caller.name;
  if (failure != nullptr) attributes["reason"] = failure->reason;
}

// True when a request id says that the call was made before; the first answer is or will be its
// own.
bool IsRepeat(const AdminRequest& event, const google::protobuf::Message& call, Parts& parts,
              Turn& turn) {
  const RequestLedger::Begun begun =
      parts.requests.Begin(event.request, event.caller.name, call, turn.now);
  switch (begun.verdict) {
    case RequestLedger::Verdict::kNew:
      return false;
    case RequestLedger::Verdict::kWait:
      return true;
    case RequestLedger::Verdict::kRepeat:
      Answer(event.request, parts.kept_replies.at(begun.first).answer, turn);
      return true;
    case RequestLedger::Verdict::kReused:
      Fail(event.request,
           {absl::InvalidArgumentError("request_id: another request had it"),
            "REQUEST_ID_REUSED",
            {{"field", "request_id"}}},
           turn);
      return true;
  }
  return false;
}

}  // namespace

View ViewOf(const Parts& parts, const ClockReading& clock) {
  return {.self = parts.self,
          .file = parts.file,
          .live = parts.live,
          .resolver = parts.resolver,
          .health = parts.health,
          .versions = parts.versions,
          .workers = parts.workers,
          .totals = parts.totals,
          .operations = parts.operations,
          .history = parts.history,
          .confirmation = parts.confirmation,
          .overrides = parts.overrides,
          .page_key = parts.page_key,
          .clock = clock};
}

void OnAdminRequest(const AdminRequest& event, Parts& parts, Turn& turn) {
  const View view = ViewOf(parts, Steadied(event.clock, parts));
  std::visit(
      [&](const auto& call) {
        if (IsRepeat(event, call, parts, turn)) return;
        auto outcome = Answerer{event, view, parts, turn}(call);
        NoteChange(event, call, std::get_if<Failure>(&outcome), turn);
        if (auto* failure = std::get_if<Failure>(&outcome))
          Fail(event.request, std::move(*failure), turn);
        else if (auto* answer = std::get_if<0>(&outcome))
          Answer(event.request, std::move(*answer), turn);
      },
      event.call);
}

void OnAdminCallEnded(const AdminCallEnded& event, Parts& parts, Turn&) {
  parts.events.watches.erase(event.request);
  parts.waiters.erase(event.request);
  parts.rollout_watches.erase(event.request);
  // A change with a request id may be asked for again: its answer is kept for that.
  if (parts.requests.Holds(event.request)) return;
  ForgetAsker(event.request, parts);
  ForgetConnectionList(event.request, parts);
}

void AnswerRepeats(Parts& parts, Turn& turn) {
  for (const uint64_t request : parts.requests.TakeExpired(turn.now))
    parts.kept_replies.erase(request);
  std::vector<Reply> more;
  for (const Action& action : turn.actions) {
    const auto* reply = std::get_if<Reply>(&action);
    if (reply == nullptr || !parts.requests.Holds(reply->request)) continue;
    std::optional<size_t> bytes;
    if (!reply->failure)
      bytes = std::visit([](const auto& answer) { return answer.ByteSizeLong(); }, reply->answer);
    for (const uint64_t waiting : parts.requests.Ended(reply->request, bytes))
      more.push_back({waiting, reply->failure, reply->answer});
    if (!reply->failure) parts.kept_replies[reply->request] = *reply;
  }
  for (Reply& reply : more) turn.actions.push_back(std::move(reply));
}

void AnswerWaiters(Parts& parts, Turn& turn) {
  std::erase_if(parts.waiters, [&](const auto& entry) {
    const auto& [request, waiter] = entry;
    const admin::v1::Operation* operation = parts.operations.Find(waiter.operation);
    if (operation == nullptr) {
      Fail(request, {absl::NotFoundError("the operation is kept no more"), "OPERATION_NOT_FOUND"},
           turn);
      return true;
    }
    if (!operation->done() && turn.now < waiter.deadline) return false;
    Answer(request, *operation, turn);
    return true;
  });
}

Instant NextWaiter(const Parts& parts) {
  Instant next = Instant::max();
  for (const auto& [request, waiter] : parts.waiters) next = std::min(next, waiter.deadline);
  return next;
}

void Answer(RequestId request, AdminAnswer answer, Turn& turn) {
  turn.actions.push_back(Reply{request, std::nullopt, std::move(answer)});
}

void Fail(RequestId request, Failure failure, Turn& turn) {
  turn.actions.push_back(Reply{request, std::move(failure), {}});
}

}  // namespace lb::controlplane
