#include "controlplane/loop/audit_turn.h"

#include <optional>
#include <type_traits>
#include <utility>
#include <variant>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/str_join.h"
#include "absl/strings/strip.h"
#include "base/overloaded.h"
#include "controlplane/admin/config_answers.h"
#include "controlplane/admin/member_answers.h"
#include "controlplane/admin/rule_answers.h"
#include "controlplane/admin/worker_answers.h"
#include "controlplane/loop/admin_turn.h"
#include "controlplane/loop/drain_turn.h"

namespace lb::controlplane {
namespace {

using Of = AuditedChange::Of;

constexpr char kAllWorkers[] = "workers/-";
constexpr char kGrpc[] = "/grpc";

std::string ConfigState(const Parts& parts) {
  const Revision* running = parts.history.newest();
  if (running == nullptr) return "none";
  const bool waits = parts.confirmation && parts.confirmation->digest == running->digest;
  return absl::StrCat(ConfigName(running->number), waits ? " to be confirmed" : "");
}

const LiveBackend* FindBackend(const Parts& parts, const BackendKey& key) {
  for (const LiveRule& rule : parts.live)
    for (const LiveBackend& backend : rule.backends)
      if (rule.name == key.rule && backend.name == key.backend) return &backend;
  return nullptr;
}

std::string BackendState(const std::string& name, const View& view, const Parts& parts) {
  const Outcome<BackendKey> key = ParseBackendName(view, name);
  if (!std::holds_alternative<BackendKey>(key)) return "";
  const Override* found = parts.overrides.Find(std::get<BackendKey>(key));
  const Override set = found == nullptr ? Override{} : *found;
  const bool ready = set.admin_state == type::v1::ADMIN_STATE_UNSPECIFIED;
  const std::string state =
      type::v1::AdminState_Name(ready ? type::v1::ADMIN_STATE_READY : set.admin_state);
  std::string out = absl::StrCat("state=", absl::StripPrefix(state, "ADMIN_STATE_"), " weight=");
  const LiveBackend* live = FindBackend(parts, std::get<BackendKey>(key));
  if (set.weight)
    absl::StrAppend(&out, *set.weight);
  else if (set.weight_percent)
    absl::StrAppend(&out, *set.weight_percent, "%");
  else if (live != nullptr)
    absl::StrAppend(&out, live->configured_weight);
  else
    absl::StrAppend(&out, "configured");
  return out;
}

std::string WorkerState(const std::string& name, const View& view, const Parts& parts) {
  const Outcome<WorkerKey> key = FindWorker(view, name);
  if (!std::holds_alternative<WorkerKey>(key)) return "";
  return parts.workers.Find(std::get<WorkerKey>(key))->draining ? "draining" : "accepting";
}

std::string LevelOf(const std::string& component, const Parts& parts) {
  const auto set = parts.log.find(component);
  if (set == parts.log.end()) return "as started";
  return std::string(absl::StripPrefix(type::v1::LogLevel_Name(set->second.level), "LOG_LEVEL_"));
}

std::string LogState(const std::string& component, const Parts& parts) {
  if (!absl::StartsWith(component, kAllWorkers)) return LevelOf(component, parts);
  const bool grpc = absl::EndsWith(component, kGrpc);
  std::vector<std::string> levels;
  for (const auto& [session, key] : parts.workers.sessions()) {
    const std::string worker = absl::StrCat("workers/", key.id, grpc ? kGrpc : "");
    levels.push_back(absl::StrCat(worker, "=", LevelOf(worker, parts)));
  }
  return absl::StrJoin(levels, " ");
}

// "RUNNING"; of a drain of a backend with what that is: "RUNNING state=DRAIN weight=3 of NAME".
std::string OperationState(const std::string& name, const View& view, const Parts& parts) {
  const admin::v1::Operation* operation = parts.operations.Find(name);
  if (operation == nullptr) return "";
  const std::string state = admin::v1::Operation::State_Name(WithState(*operation).state());
  std::string out(absl::StripPrefix(state, "STATE_"));
  if (operation->kind() != kDrainBackend) return out;
  const std::string backend = BackendState(operation->target(), view, parts);
  if (!backend.empty()) absl::StrAppend(&out, " ", backend, " of ", operation->target());
  return out;
}

// "FAILED" of one member; of nobody in particular how many there are.
std::string MemberState(const std::string& name, const View& view) {
  if (name.empty()) return absl::StrCat(view.cluster.members.size(), " members");
  admin::v1::GetMemberRequest request;
  request.set_name(name);
  const Outcome<admin::v1::Member> member = GetMember(view, request);
  if (!std::holds_alternative<admin::v1::Member>(member)) return "";
  const std::string state = admin::v1::Member::State_Name(std::get<0>(member).state());
  return std::string(absl::StripPrefix(state, "STATE_"));
}

// "1f2e3d4c 99aa88bb": fingerprints, the key that seals first.
std::string KeysState(const Parts& parts) {
  return absl::StrJoin(parts.cluster->keys().Marks(), " ",
                       [](std::string* out, const swim::KeyMark& key) { *out += key.fingerprint; });
}

std::string StateOf(const AuditedChange& change, const View& view, const Parts& parts) {
  switch (change.of) {
    case Of::kConfig:
    case Of::kConfirmation:
      return ConfigState(parts);
    case Of::kBackend:
      return BackendState(change.name, view, parts);
    case Of::kWorker:
      return WorkerState(change.name, view, parts);
    case Of::kLog:
      return LogState(change.name, parts);
    case Of::kOperation:
      return OperationState(change.name, view, parts);
    case Of::kMember:
      return MemberState(change.name, view);
    case Of::kKeys:
      return KeysState(parts);
    case Of::kNothing:
      break;
  }
  return "";
}

// What a call changes; nullopt: nothing.
std::optional<AuditedChange> SubjectOf(const AdminCall& call) {
  using Found = std::optional<AuditedChange>;
  const auto of = [](Of kind, const std::string& name) -> Found {
    return AuditedChange{kind, name, ""};
  };
  return std::visit(
      Overloaded{
          [&](const admin::v1::ApplyConfigRequest&) { return of(Of::kConfig, ""); },
          [&](const admin::v1::RollbackConfigRequest&) { return of(Of::kConfig, ""); },
          [&](const admin::v1::ConfirmConfigRequest&) { return of(Of::kConfirmation, ""); },
          [&](const admin::v1::DrainBackendRequest& r) { return of(Of::kBackend, r.name()); },
          [&](const admin::v1::UndrainBackendRequest& r) { return of(Of::kBackend, r.name()); },
          [&](const admin::v1::MaintainBackendRequest& r) { return of(Of::kBackend, r.name()); },
          [&](const admin::v1::SetBackendWeightRequest& r) { return of(Of::kBackend, r.name()); },
          [&](const admin::v1::ResetBackendRequest& r) { return of(Of::kBackend, r.name()); },
          [&](const admin::v1::DrainWorkerRequest& r) { return of(Of::kWorker, r.name()); },
          [&](const admin::v1::UndrainWorkerRequest& r) { return of(Of::kWorker, r.name()); },
          [&](const admin::v1::SetLogLevelRequest& r) { return of(Of::kLog, r.component()); },
          [&](const admin::v1::CancelOperationRequest& r) { return of(Of::kOperation, r.name()); },
          [&](const admin::v1::JoinMembersRequest&) { return of(Of::kMember, ""); },
          [&](const admin::v1::ForgetMemberRequest& r) { return of(Of::kMember, r.name()); },
          [&](const admin::v1::LeaveClusterRequest&) { return of(Of::kMember, ""); },
          [&](const admin::v1::ChangeKeyRequest&) { return of(Of::kKeys, ""); },
          [](const auto&) { return Found(); },
      },
      call);
}

}  // namespace

void NoteChangeBegins(const AdminRequest& event, Parts& parts) {
  std::optional<AuditedChange> change = SubjectOf(event.call);
  if (!change) return;
  change->before = StateOf(*change, ViewOf(parts, event.clock), parts);
  parts.audited.emplace(event.request, *std::move(change));
}

void LookBeforeTurn(Parts& parts) {
  for (auto& [request, change] : parts.audited)
    if (change.of == Of::kConfig) change.before = ConfigState(parts);
}

void DescribeChanges(Parts& parts, Turn& turn) {
  if (parts.audited.empty()) return;
  const View view = ViewOf(parts, {turn.now, WallTime{}});
  for (Action& action : turn.actions) {
    auto* reply = std::get_if<Reply>(&action);
    if (reply == nullptr) continue;
    const auto change = parts.audited.extract(reply->request);
    if (change.empty()) continue;
    reply->after = StateOf(change.mapped(), view, parts);
    reply->before = std::move(change.mapped().before);
  }
}

}  // namespace lb::controlplane
