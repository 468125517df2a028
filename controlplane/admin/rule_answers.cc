#include "controlplane/admin/rule_answers.h"

#include <optional>
#include <string_view>
#include <vector>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "absl/strings/strip.h"
#include "controlplane/admin/etags.h"
#include "controlplane/admin/list_query.h"
#include "controlplane/admin/proto_time.h"
#include "controlplane/admin/rule_tls.h"
#include "controlplane/config/suggest.h"

namespace lb::controlplane {
namespace {

constexpr char kRulePrefix[] = "rules/";
constexpr char kBackendsPart[] = "/backends/";

Failure NotFound(const std::string& name, std::string_view nearest, const char* reason) {
  std::string message = absl::StrCat("'", name, "' does not exist");
  if (!nearest.empty()) absl::StrAppend(&message, "; did you mean '", std::string(nearest), "'?");
  return {absl::NotFoundError(message), reason};
}

Failure BackendNotFound(const LiveRule& rule, const std::string& name) {
  std::vector<std::string> names;
  for (const LiveBackend& backend : rule.backends)
    names.push_back(BackendName(rule.name, backend.name));
  return NotFound(name, Nearest(name, {names.begin(), names.end()}), "BACKEND_NOT_FOUND");
}

// Rule of "rules/RULE", or nullptr.
const LiveRule* RuleNamed(const View& view, absl::string_view name) {
  if (!absl::ConsumePrefix(&name, kRulePrefix)) return nullptr;
  return FindRule(view.live, std::string(name));
}

admin::v1::Rule Describe(const View& view, const LiveRule& rule) {
  admin::v1::Rule out;
  out.set_name(absl::StrCat(kRulePrefix, rule.name));
  out.set_listen(rule.listen.ToString());
  out.set_balance(ToString(rule.balance.algorithm));
  out.set_backends_total(static_cast<uint32_t>(rule.backends.size() + rule.unresolved.size()));
  uint32_t up = 0;
  for (const LiveBackend& backend : rule.backends)
    if (backend.admin_state != type::v1::ADMIN_STATE_MAINT &&
        IsUp(view.health.StateOf({rule.name, backend.name})))
      ++up;
  out.set_backends_up(up);
  const RuleTotals totals = view.totals.OfRule(rule.name);
  out.set_connections(totals.connections);
  out.set_connections_total(totals.connections_total);
  out.set_received_bytes_total(totals.received_bytes_total);
  out.set_sent_bytes_total(totals.sent_bytes_total);
  out.set_refused_total(totals.refused_total);
  out.set_retries_total(totals.retries_total);
  out.set_max_connections(rule.max_connections);
  if (rule.queue) {
    out.mutable_queue()->set_max(rule.queue->max);
    *out.mutable_queue()->mutable_timeout() = ToProto(rule.queue->timeout);
  }
  out.set_queued(totals.queued);
  out.set_queued_total(totals.queued_total);
  out.set_workers_in_panic(totals.workers_in_panic);
  DescribeTls(rule, totals, out);
  out.set_etag(EtagOf(rule));
  return out;
}

void DescribeOverride(const View& view, const BackendKey& key, admin::v1::Backend& out) {
  out.set_admin_state(type::v1::ADMIN_STATE_READY);
  const Override* override = view.overrides.Find(key);
  if (override == nullptr) return;
  *out.mutable_override() = ToProto(*override);
  if (override->admin_state != type::v1::ADMIN_STATE_UNSPECIFIED)
    out.set_admin_state(override->admin_state);
}

// Whether every worker has counted its connections with the newest snapshot in force. One that is
// away may still use an older one, and comes back soon if ever.
bool AllCounted(const View& view) {
  if (!view.versions.has_content()) return false;
  for (const auto& [key, record] : view.workers.workers()) {
    if (!record.session && view.clock.steady > record.last_seen + WorkerTable::kComesBackWithin)
      continue;
    if (!record.session || !record.counted ||
        !SameVersion(*record.counted, view.versions.current()))
      return false;
  }
  return true;
}

bool IsDrained(const View& view, const admin::v1::Backend& backend) {
  const bool out = backend.weight() == 0 || backend.admin_state() != type::v1::ADMIN_STATE_READY;
  return out && backend.connections() == 0 && AllCounted(view);
}

void DescribeEjection(const View& view, const BackendKey& key, admin::v1::Backend& out) {
  const std::optional<OutlierBook::Summary> ejection = view.outliers.Find(key, view.clock.steady);
  if (!ejection) return;
  admin::v1::Backend::Ejection& to = *out.mutable_ejection();
  to.set_workers(ejection->workers);
  to.set_reason(ejection->longest.reason);
  to.set_failures(ejection->longest.failures);
  *to.mutable_return_time() = ToProto(view.clock.ToWall(ejection->longest.until));
  to.set_ejections_total(view.totals.OfBackend(key).ejections_total);
}

admin::v1::Backend Describe(const View& view, const LiveRule& rule, const LiveBackend& backend) {
  const BackendKey key{rule.name, backend.name};
  admin::v1::Backend out;
  out.set_name(BackendName(rule.name, backend.name));
  out.set_address(backend.address.ToString());
  out.set_weight(backend.weight);
  out.set_configured_weight(backend.configured_weight);
  DescribeOverride(view, key, out);
  if (backend.ending && out.admin_state() == type::v1::ADMIN_STATE_READY)
    out.set_admin_state(type::v1::ADMIN_STATE_DRAIN);
  out.set_max_connections(backend.max_connections);
  out.set_health(view.health.StateOf(key));
  if (const BackendHealth* health = view.health.Find(key)) {
    const bool maintenance = backend.admin_state == type::v1::ADMIN_STATE_MAINT;
    out.set_health_detail(health->checked ? health->detail
                          : maintenance   ? "not checked: maintenance"
                                          : "not checked");
    if (health->last_change)
      *out.mutable_last_change_time() = ToProto(view.clock.ToWall(*health->last_change));
    *out.mutable_check_time() = ToProto(health->took);
  }
  DescribeEjection(view, key, out);
  const BackendTotals totals = view.totals.OfBackend(key);
  out.set_connections(totals.connections);
  out.set_connects_total(totals.connects_total);
  out.set_connect_failures_total(totals.connect_failures_total);
  out.set_handshakes_total(totals.handshakes_total);
  out.set_resumed_handshakes_total(totals.resumed_handshakes_total);
  out.set_drained(IsDrained(view, out));
  out.set_etag(EtagOf(out));
  return out;
}

admin::v1::Backend Describe(const View& view, const LiveRule& rule,
                            const UnresolvedBackend& backend) {
  admin::v1::Backend out;
  out.set_name(BackendName(rule.name, backend.name));
  out.set_address(backend.Place());
  out.set_weight(backend.weight);
  out.set_configured_weight(backend.weight);
  DescribeOverride(view, {rule.name, backend.name}, out);
  out.set_unresolved(WhyUnresolved(view, backend));
  out.set_drained(IsDrained(view, out));
  out.set_etag(EtagOf(out));
  return out;
}

// Offers the backends of one rule that come after `after`; false when the page is full.
bool OfferBackends(const View& view, const LiveRule& rule, const std::string& after,
                   PageMaker<admin::v1::Backend>& page) {
  // The order of (rule, backend) is that of the pages: '/' sorts between the bytes of a name, so
  // whole names would not sort like pairs.
  const size_t slash = after.find('/');
  const BackendKey last{after.substr(0, slash), after.substr(slash + 1)};
  if (!after.empty() && rule.name < last.rule) return true;
  auto live = rule.backends.begin();
  auto unresolved = rule.unresolved.begin();
  while (live != rule.backends.end() || unresolved != rule.unresolved.end()) {
    const bool is_live = unresolved == rule.unresolved.end() ||
                         (live != rule.backends.end() && live->name < unresolved->name);
    const std::string& name = is_live ? live->name : unresolved->name;
    const bool seen = !after.empty() && rule.name == last.rule && name <= last.backend;
    if (!seen &&
        !page.Offer(is_live ? Describe(view, rule, *live) : Describe(view, rule, *unresolved),
                    absl::StrCat(rule.name, "/", name)))
      return false;
    if (is_live) {
      ++live;
    } else {
      ++unresolved;
    }
  }
  return true;
}

}  // namespace

Failure RuleNotFound(const View& view, const std::string& name) {
  for (const std::string& rule : view.file.left_out)
    if (name == absl::StrCat(kRulePrefix, rule))
      return {absl::NotFoundError(absl::StrCat(
                  "'", name, "' is left out: files of its TLS are no good, see lbctl status")),
              "RULE_NOT_FOUND"};
  std::vector<std::string> names;
  for (const LiveRule& rule : view.live) names.push_back(absl::StrCat(kRulePrefix, rule.name));
  return NotFound(name, Nearest(name, {names.begin(), names.end()}), "RULE_NOT_FOUND");
}

bool IsUp(type::v1::HealthState state) { return state != type::v1::HEALTH_STATE_UNHEALTHY; }

std::string WhyUnresolved(const View& view, const UnresolvedBackend& backend) {
  if (backend.service) {
    const ServiceBook::Known* known = view.services.Find(*backend.service);
    if (known == nullptr || known->error.ok()) return "no word of the API server yet";
    return std::string(known->error.message());
  }
  const absl::Status error = view.resolver.LastError(backend.address);
  if (error.ok()) return "no answer yet";
  return std::string(error.message());
}

std::string BackendName(const std::string& rule, const std::string& backend) {
  return absl::StrCat(kRulePrefix, rule, kBackendsPart, backend);
}

Outcome<admin::v1::Rule> GetRule(const View& view, const admin::v1::GetRuleRequest& request) {
  const LiveRule* rule = RuleNamed(view, request.name());
  if (rule == nullptr) return RuleNotFound(view, request.name());
  admin::v1::Rule out = Describe(view, *rule);
  const RuleTotals totals = view.totals.OfRule(rule->name);
  out.mutable_sni_total()->insert(totals.sni_total.begin(), totals.sni_total.end());
  return out;
}

Outcome<admin::v1::ListRulesResponse> ListRules(const View& view,
                                                const admin::v1::ListRulesRequest& request) {
  const Outcome<ListQuery> query =
      ListQuery::Read(view.page_key, request, *admin::v1::Rule::descriptor());
  if (const auto* failure = std::get_if<Failure>(&query)) return *failure;
  const std::string& after = std::get<ListQuery>(query).after();
  PageMaker<admin::v1::Rule> page(std::get<ListQuery>(query));
  admin::v1::ListRulesResponse out;
  for (const LiveRule& rule : view.live) {
    if (!after.empty() && rule.name <= after) continue;
    if (!page.Offer(Describe(view, rule), rule.name)) break;
  }
  page.Finish(*out.mutable_rules(), *out.mutable_next_page_token());
  return out;
}

admin::v1::BackendOverride ToProto(const Override& override) {
  admin::v1::BackendOverride out;
  out.set_admin_state(override.admin_state);
  if (override.weight) out.set_weight(*override.weight);
  if (override.weight_percent) out.set_weight_percent(*override.weight_percent);
  out.set_author(override.author);
  *out.mutable_set_time() = ToProto(override.set_time);
  return out;
}

Outcome<std::string> ParseRuleName(const View& view, const std::string& name) {
  const LiveRule* rule = RuleNamed(view, name);
  if (rule == nullptr) return RuleNotFound(view, name);
  return rule->name;
}

Outcome<BackendKey> ParseBackendName(const View& view, const std::string& name) {
  const size_t part = name.find(kBackendsPart);
  const LiveRule* rule =
      part == std::string::npos ? nullptr : RuleNamed(view, name.substr(0, part));
  if (rule == nullptr) {
    Failure failure = RuleNotFound(view, name.substr(0, part));
    failure.reason = "BACKEND_NOT_FOUND";
    return failure;
  }
  std::string leaf = name.substr(part + sizeof kBackendsPart - 1);
  if (!Exists(*rule, leaf)) return BackendNotFound(*rule, name);
  return BackendKey{rule->name, std::move(leaf)};
}

Outcome<admin::v1::Backend> GetBackend(const View& view,
                                       const admin::v1::GetBackendRequest& request) {
  const Outcome<BackendKey> key = ParseBackendName(view, request.name());
  if (const auto* failure = std::get_if<Failure>(&key)) return *failure;
  const LiveRule* rule = FindRule(view.live, std::get<BackendKey>(key).rule);
  const std::string& leaf = std::get<BackendKey>(key).backend;
  for (const UnresolvedBackend& unresolved : rule->unresolved)
    if (unresolved.name == leaf) return Describe(view, *rule, unresolved);
  const LiveBackend* backend = FindBackend(*rule, leaf);
  if (backend == nullptr) return BackendNotFound(*rule, request.name());
  return Describe(view, *rule, *backend);
}

Outcome<admin::v1::ListBackendsResponse> ListBackends(
    const View& view, const admin::v1::ListBackendsRequest& request) {
  const bool all = request.parent().empty() || request.parent() == "rules/-";
  const Outcome<ListQuery> query =
      ListQuery::Read(view.page_key, request, *admin::v1::Backend::descriptor());
  if (const auto* failure = std::get_if<Failure>(&query)) return *failure;
  PageMaker<admin::v1::Backend> page(std::get<ListQuery>(query));
  const LiveRule* only = all ? nullptr : RuleNamed(view, request.parent());
  if (!all && only == nullptr) return RuleNotFound(view, request.parent());
  admin::v1::ListBackendsResponse out;
  for (const LiveRule& rule : view.live) {
    if (only != nullptr && &rule != only) continue;
    if (!OfferBackends(view, rule, std::get<ListQuery>(query).after(), page)) break;
  }
  page.Finish(*out.mutable_backends(), *out.mutable_next_page_token());
  return out;
}

}  // namespace lb::controlplane
