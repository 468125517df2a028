#include "controlplane/loop/backend_turn.h"

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "controlplane/admin/duration_field.h"
#include "controlplane/admin/etags.h"
#include "controlplane/admin/proto_time.h"
#include "controlplane/admin/rule_answers.h"
#include "controlplane/loop/drain_turn.h"
#include "controlplane/loop/override_event.h"

namespace lb::controlplane {
namespace {

constexpr std::chrono::minutes kDefaultDrain{5};

// The backend that a call is about, with all its addresses where it is a DNS name.
struct Target {
  BackendKey key;
  const LiveRule* rule = nullptr;
};

bool IsOf(const std::string& live, const std::string& target) {
  return live == target || absl::StartsWith(live, absl::StrCat(target, "@"));
}

Outcome<Target> FindTarget(const View& view, const std::string& name) {
  const Outcome<BackendKey> key = ParseBackendName(view, name);
  if (const auto* failure = std::get_if<Failure>(&key)) return *failure;
  const BackendKey& found = std::get<BackendKey>(key);
  return Target{found, FindRule(view.live, found.rule)};
}

bool IsUsable(const View& view, const LiveRule& rule, const LiveBackend& backend, uint32_t weight) {
  return weight > 0 && IsUp(view.health.StateOf({rule.name, backend.name}));
}

// Fails when clients are served now and would be refused with `next` in force.
std::optional<Failure> CheckSomeoneServes(const View& view, const Target& target,
                                          const Override& next) {
  bool now = false;
  bool then = false;
  for (const LiveBackend& backend : target.rule->backends) {
    const bool meant = !backend.ending && IsOf(backend.name, target.key.backend);
    const uint32_t weight =
        meant ? EffectiveWeight(next, backend.configured_weight) : backend.weight;
    now |= IsUsable(view, *target.rule, backend, backend.weight);
    then |= IsUsable(view, *target.rule, backend, weight);
  }
  if (!now || then) return std::nullopt;
  return Failure{
      absl::FailedPreconditionError(absl::StrCat(
          "no other backend of rules/", target.rule->name, " takes connections: without '",
          target.key.backend, "' clients are refused; force it to do it all the same")),
      "LAST_HEALTHY_BACKEND",
      {{"rule", target.rule->name}, {"backend", target.key.backend}}};
}

void Describe(const Override& override, admin::v1::Backend& out) {
  out.clear_override();
  out.set_admin_state(override.admin_state == type::v1::ADMIN_STATE_UNSPECIFIED
                          ? type::v1::ADMIN_STATE_READY
                          : override.admin_state);
  if (out.unresolved().empty()) out.set_weight(EffectiveWeight(override, out.configured_weight()));
  if (!override.empty()) *out.mutable_override() = ToProto(override);
  out.set_drained(false);
  out.set_etag(EtagOf(out));
}

// The backend as it is with `next` in force; for a DNS name without the numbers of its addresses.
admin::v1::Backend AnswerWith(const View& view, const Target& target, const std::string& name,
                              const Override& next) {
  admin::v1::GetBackendRequest request;
  request.set_name(name);
  Outcome<admin::v1::Backend> got = GetBackend(view, request);
  admin::v1::Backend out;
  if (auto* described = std::get_if<0>(&got)) {
    out = std::move(*described);
  } else {
    out.set_name(name);
    for (const LiveBackend& backend : target.rule->backends) {
      if (!IsOf(backend.name, target.key.backend)) continue;
      out.set_configured_weight(backend.configured_weight);
      out.set_connections(out.connections() +
                          view.totals.OfBackend({target.rule->name, backend.name}).connections);
    }
  }
  // An address of a DNS name for which nothing is set is as the name is.
  const Override* whole = next.empty() ? view.overrides.Find(target.key) : nullptr;
  const bool of_name = whole != nullptr && whole != view.overrides.FindExact(target.key);
  Describe(of_name ? *whole : next, out);
  return out;
}

// What the call is about, if it is as the caller read it.
template <typename Request>
Outcome<Target> FindAsSeen(const BackendCall& call, const Request& request) {
  Outcome<Target> found = FindTarget(call.view, request.name());
  const Target* target = std::get_if<Target>(&found);
  if (target == nullptr || request.etag().empty()) return found;
  const Override* set = call.parts.overrides.FindExact(target->key);
  const admin::v1::Backend now =
      AnswerWith(call.view, *target, request.name(), set == nullptr ? Override{} : *set);
  if (auto failure = CheckEtag(request.name(), request.etag(), now.etag())) return *failure;
  return found;
}

Override Current(const BackendCall& call, const Target& target) {
  const Override* override = call.parts.overrides.FindExact(target.key);
  Override next = override == nullptr ? Override{} : *override;
  next.author = call.event.caller.name;
  next.set_time = call.event.clock.wall;
  return next;
}

// Checks, and sets unless it is only to be validated.
std::optional<Failure> Change(const BackendCall& call, const Target& target, const Override& next,
                              bool force, bool validate_only) {
  if (!force) {
    if (auto failure = CheckSomeoneServes(call.view, target, next)) return failure;
  }
  const bool room = call.parts.overrides.all().size() < Overrides::kMaxOverrides;
  if (!room && !next.empty() && call.parts.overrides.FindExact(target.key) == nullptr)
    return Failure{absl::ResourceExhaustedError(absl::StrCat("more than ", Overrides::kMaxOverrides,
                                                             " backends have overrides")),
                   "TOO_MANY_OVERRIDES"};
  if (validate_only) return std::nullopt;
  const Override* set = call.parts.overrides.FindExact(target.key);
  const Override before = set == nullptr ? Override{} : *set;
  LB_CHECK(call.parts.overrides.Set(target.key, next));
  // Another state takes back a drain that is still under way.
  if (next.admin_state != type::v1::ADMIN_STATE_DRAIN)
    EndBackendDrains(target.key, "the backend's state was changed", call.parts);
  call.turn.refresh = call.turn.dirty = call.turn.urgent = true;
  EmitOverride(target.key, before, next, call.event.caller.name, call.parts, call.turn);
  return std::nullopt;
}

// The whole of a call that has no more to do than to set `next`.
template <typename Request>
Outcome<admin::v1::Backend> ChangeAndAnswer(const BackendCall& call, const Request& request,
                                            const Target& target, const Override& next,
                                            bool force) {
  if (auto failure = Change(call, target, next, force, request.validate_only())) return *failure;
  return AnswerWith(call.view, target, request.name(), next);
}

}  // namespace

Outcome<admin::v1::Operation> DrainBackend(const BackendCall& call,
                                           const admin::v1::DrainBackendRequest& request) {
  const Outcome<Target> found = FindAsSeen(call, request);
  if (const auto* failure = std::get_if<Failure>(&found)) return *failure;
  const Target& target = std::get<Target>(found);
  const Outcome<Duration> timeout =
      ReadDuration("timeout", request.has_timeout(), request.timeout(), kDefaultDrain, kDrainRange);
  if (const auto* failure = std::get_if<Failure>(&timeout)) return *failure;
  if (auto failure = call.parts.operations.CheckRoom()) return *std::move(failure);
  const Override* set = call.parts.overrides.FindExact(target.key);
  const Override before = set == nullptr ? Override{} : *set;
  Override next = Current(call, target);
  next.admin_state = type::v1::ADMIN_STATE_DRAIN;
  if (auto failure = Change(call, target, next, request.force(), request.validate_only()))
    return *failure;
  if (request.validate_only()) return PlannedDrain(call.view, target.key, request.name());
  return StartBackendDrain(target.key, request.name(), std::get<Duration>(timeout),
                           request.close_at_timeout(), before, call.parts, call.turn);
}

Outcome<admin::v1::Backend> UndrainBackend(const BackendCall& call,
                                           const admin::v1::UndrainBackendRequest& request) {
  const Outcome<Target> found = FindAsSeen(call, request);
  if (const auto* failure = std::get_if<Failure>(&found)) return *failure;
  const Target& target = std::get<Target>(found);
  Override next = Current(call, target);
  next.admin_state = type::v1::ADMIN_STATE_UNSPECIFIED;
  // An address of a DNS name that is out of service as a whole is taken back alone.
  const Override* whole = call.parts.overrides.Find(target.key);
  if (whole != nullptr && whole != call.parts.overrides.FindExact(target.key))
    next.admin_state = type::v1::ADMIN_STATE_READY;
  return ChangeAndAnswer(call, request, target, next, true);
}

Outcome<admin::v1::Backend> MaintainBackend(const BackendCall& call,
                                            const admin::v1::MaintainBackendRequest& request) {
  const Outcome<Target> found = FindAsSeen(call, request);
  if (const auto* failure = std::get_if<Failure>(&found)) return *failure;
  const Target& target = std::get<Target>(found);
  Override next = Current(call, target);
  next.admin_state = type::v1::ADMIN_STATE_MAINT;
  return ChangeAndAnswer(call, request, target, next, request.force());
}

Outcome<admin::v1::Backend> SetBackendWeight(const BackendCall& call,
                                             const admin::v1::SetBackendWeightRequest& request) {
  const Outcome<Target> found = FindAsSeen(call, request);
  if (const auto* failure = std::get_if<Failure>(&found)) return *failure;
  const Target& target = std::get<Target>(found);
  Override next = Current(call, target);
  next.weight.reset();
  next.weight_percent.reset();
  switch (request.value_case()) {
    case admin::v1::SetBackendWeightRequest::kWeight:
      if (request.weight() > Overrides::kMaxWeight)
        return FieldFailure("weight",
                            absl::StrCat(request.weight(), " is above ", Overrides::kMaxWeight));
      next.weight = request.weight();
      break;
    case admin::v1::SetBackendWeightRequest::kWeightPercent:
      if (request.weight_percent() > Overrides::kMaxPercent)
        return FieldFailure("weight_percent", absl::StrCat(request.weight_percent(), " is above ",
                                                           Overrides::kMaxPercent));
      if (request.weight_percent() != 100) next.weight_percent = request.weight_percent();
      break;
    case admin::v1::SetBackendWeightRequest::VALUE_NOT_SET:
      return FieldFailure("weight", "neither weight nor weight_percent is set");
  }
  return ChangeAndAnswer(call, request, target, next, request.force());
}

Outcome<admin::v1::Backend> ResetBackend(const BackendCall& call,
                                         const admin::v1::ResetBackendRequest& request) {
  const Outcome<Target> found = FindAsSeen(call, request);
  if (const auto* failure = std::get_if<Failure>(&found)) return *failure;
  return ChangeAndAnswer(call, request, std::get<Target>(found), Override{}, true);
}

}  // namespace lb::controlplane
