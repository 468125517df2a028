#include "controlplane/access/rules.h"

#include <set>

#include "absl/strings/str_cat.h"

namespace lb::controlplane {
namespace {

constexpr char kWorkerMethod[] = "lb.worker.v1.WorkerControlService/Connect";

std::string Text(std::string_view text) { return std::string(text); }

bool IsOurs(std::string_view method) {
  constexpr std::string_view kOurs = "lb.admin.";
  return method.substr(0, kOurs.size()) == kOurs;
}

std::string RoleOf(const Identity& peer) {
  return peer.worker.empty() ? Text(RoleName(peer.caller.role)) : "worker";
}

std::string NameOf(const Identity& peer) {
  return peer.worker.empty() ? peer.caller.name : "worker/" + peer.worker;
}

Failure Nobody() {
  return {
      absl::UnauthenticatedError("the certificate names nobody here: it needs exactly one URI like "
                                 "spiffe://CLUSTER/{viewer|operator|admin|worker}/NAME, of "
                                 "this cluster"),
      "CERT_REQUIRED"};
}

Failure Missing(const Identity& peer, const std::string& needs, std::string_view method) {
  return {absl::PermissionDeniedError(absl::StrCat(NameOf(peer), " has the role ", RoleOf(peer),
                                                   "; ", Text(method), " needs ", needs)),
          "ROLE_MISSING",
          {{"role", RoleOf(peer)}, {"needs", needs}, {"method", Text(method)}}};
}

}  // namespace

const std::vector<AccessRule>& AccessRules() {
  static const std::vector<AccessRule> rules{
      {"lb.admin.v1.StatusService/GetStatus", Role::kViewer, false},
      {"lb.admin.v1.RuleService/GetRule", Role::kViewer, false},
      {"lb.admin.v1.RuleService/ListRules", Role::kViewer, false},
      {"lb.admin.v1.RuleService/GetBackend", Role::kViewer, false},
      {"lb.admin.v1.RuleService/ListBackends", Role::kViewer, false},
      {"lb.admin.v1.WorkerService/GetWorker", Role::kViewer, false},
      {"lb.admin.v1.WorkerService/ListWorkers", Role::kViewer, false},
      {"lb.admin.v1.WorkerService/DrainWorker", Role::kOperator, true},
      {"lb.admin.v1.WorkerService/UndrainWorker", Role::kOperator, true},
      {"lb.admin.v1.OperationService/GetOperation", Role::kViewer, false},
      {"lb.admin.v1.OperationService/ListOperations", Role::kViewer, false},
      {"lb.admin.v1.OperationService/WaitOperation", Role::kViewer, false},
      {"lb.admin.v1.OperationService/CancelOperation", Role::kOperator, true},
      {"lb.admin.v1.WatchService/WatchResources", Role::kViewer, false},
      // A configuration may name files of the control plane, and what is said of it may show them.
      {"lb.admin.v1.ConfigService/ValidateConfig", Role::kAdmin, false},
      {"lb.admin.v1.ConfigService/PlanConfig", Role::kAdmin, false},
      {"lb.admin.v1.ConfigService/GetConfig", Role::kViewer, false},
      {"lb.admin.v1.ConfigService/ListConfigs", Role::kViewer, false},
      {"lb.admin.v1.ConfigService/GetRollout", Role::kViewer, false},
      {"lb.admin.v1.ConfigService/ApplyConfig", Role::kAdmin, true},
      {"lb.admin.v1.ConfigService/ConfirmConfig", Role::kAdmin, true},
      {"lb.admin.v1.ConfigService/RollbackConfig", Role::kAdmin, true},
      {"lb.admin.v1.EventService/ListEvents", Role::kViewer, false},
      {"lb.admin.v1.EventService/WatchEvents", Role::kViewer, false},
      {"lb.admin.v1.BackendService/DrainBackend", Role::kOperator, true},
      {"lb.admin.v1.BackendService/UndrainBackend", Role::kOperator, true},
      {"lb.admin.v1.BackendService/MaintainBackend", Role::kOperator, true},
      {"lb.admin.v1.BackendService/SetBackendWeight", Role::kOperator, true},
      {"lb.admin.v1.BackendService/ResetBackend", Role::kOperator, true},
      {"lb.admin.v1.ConfigService/WatchRollout", Role::kViewer, false},
      {"lb.admin.v1.ConnectionService/ListConnections", Role::kViewer, false},
      {"lb.admin.v1.ConnectionService/KillConnections", Role::kOperator, true},
      {"lb.admin.v1.LimitService/ListLimits", Role::kViewer, false},
      {"lb.admin.v1.LimitService/ListClients", Role::kViewer, false},
      {"lb.admin.v1.LimitService/ExplainConnection", Role::kViewer, false},
      {"lb.admin.v1.CertificateService/ListCertificates", Role::kViewer, false},
      {"lb.admin.v1.MemberService/ListMembers", Role::kViewer, false},
      {"lb.admin.v1.MemberService/GetMember", Role::kViewer, false},
      {"lb.admin.v1.MemberService/JoinMembers", Role::kOperator, true},
      {"lb.admin.v1.MemberService/ForgetMember", Role::kOperator, true},
      {"lb.admin.v1.MemberService/ListKeys", Role::kViewer, false},
      // Whoever has a key is believed by all members, as one who writes the configuration.
      {"lb.admin.v1.MemberService/ChangeKey", Role::kAdmin, true},
      {"lb.admin.v1.MemberService/LeaveCluster", Role::kOperator, true},
      {"lb.admin.v1.LogService/GetLogLevels", Role::kViewer, false},
      {"lb.admin.v1.LogService/SetLogLevel", Role::kOperator, true},
      {"grpc.reflection.v1alpha.ServerReflection/*", Role::kViewer, false},
      {"grpc.channelz.v1.Channelz/*", Role::kAdmin, false},
      {"grpc.health.v1.Health/*", Role::kNone, false},
  };
  return rules;
}

std::vector<std::string> AdminServices() {
  std::set<std::string> names;
  for (const AccessRule& rule : AccessRules())
    if (IsOurs(rule.method)) names.insert(Text(rule.method.substr(0, rule.method.find('/'))));
  return {names.begin(), names.end()};
}

const AccessRule* FindAccessRule(std::string_view method) {
  const size_t slash = method.find('/');
  if (slash == std::string_view::npos) return nullptr;
  const std::string service = Text(method.substr(0, slash)) + "/*";
  for (const AccessRule& rule : AccessRules())
    if (rule.method == method || rule.method == service) return &rule;
  return nullptr;
}

std::optional<Failure> CheckAdminCall(const std::optional<Identity>& peer,
                                      std::string_view method) {
  if (!peer) return Nobody();
  const AccessRule* rule = FindAccessRule(method);
  if (rule == nullptr) return Missing(*peer, "a rule, and there is none", method);
  if (rule->least == Role::kNone) return std::nullopt;
  if (peer->worker.empty() && peer->caller.role >= rule->least) return std::nullopt;
  return Missing(*peer, Text(RoleName(rule->least)), method);
}

std::optional<Failure> CheckAdminEntry(const std::optional<Identity>& peer,
                                       std::string_view method) {
  const bool has_role = peer && peer->worker.empty() && peer->caller.role != Role::kNone;
  if (has_role && IsOurs(method)) return std::nullopt;
  return CheckAdminCall(peer, method);
}

std::optional<Failure> CheckWorkerCall(const std::optional<Identity>& peer,
                                       std::string_view method) {
  if (!peer) return Nobody();
  if (!peer->worker.empty() && method == kWorkerMethod) return std::nullopt;
  return Missing(*peer, "worker", method);
}

}  // namespace lb::controlplane
