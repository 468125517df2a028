#include "controlplane/admin/metrics.h"

#include <array>
#include <chrono>
#include <string>
#include <utility>

#include "base/sha256.h"
#include "controlplane/admin/certificate_metrics.h"
#include "controlplane/admin/cluster_metrics.h"
#include "controlplane/admin/rule_answers.h"
#include "controlplane/admin/ticket_metrics.h"
#include "controlplane/admin/worker_answers.h"

namespace lb::controlplane {
namespace {

using Type = MetricFamily::Type;
using Families = std::vector<MetricFamily>;

void AddOne(Families& out, const char* name, const char* help, Type type, double value) {
  out.push_back({name, help, type, {{{}, value}}});
}

double AsDouble(uint64_t value) { return static_cast<double>(value); }

void AddConfig(const View& view, Families& out) {
  const FileStatus& file = view.file;
  AddOne(out, "lb_config_last_reload_successful",
         "1 if the newest read of the file was accepted, with all its rules.", Type::kGauge,
         file.good && file.left_out.empty() ? 1 : 0);
  MetricFamily left_out{
      "lb_rule_left_out",
      "Rules that are not run since files of TLS that they need are refused; always 1.",
      Type::kGauge,
      {}};
  for (const std::string& rule : file.left_out) left_out.Add({{"rule", rule}}, 1);
  out.push_back(std::move(left_out));
  if (file.applied) {
    const std::chrono::duration<double> since = view.clock.ToWall(*file.applied).time_since_epoch();
    AddOne(out, "lb_config_last_reload_timestamp_seconds",
           "When a configuration was accepted last, in seconds since the epoch.", Type::kGauge,
           since.count());
  }
  AddOne(out, "lb_config_reloads_total", "Times the file was read.", Type::kCounter,
         AsDouble(file.reloads_total));
  AddOne(out, "lb_config_reload_failures_total", "Times the file was refused.", Type::kCounter,
         AsDouble(file.failures_total));
  if (!view.versions.has_content()) return;
  const type::v1::ConfigVersion& version = view.versions.current();
  AddOne(out, "lb_config_revision",
         "Version that workers are to run, as lbctl get workers shows it.", Type::kGauge,
         AsDouble(version.revision()));
  MetricFamily info{
      "lb_config_info", "Digest of the running configuration; always 1.", Type::kGauge, {}};
  info.Add({{"digest", ToHex(version.digest())}}, 1);
  out.push_back(std::move(info));
}

void AddWorkers(const View& view, Families& out) {
  constexpr std::array<std::pair<admin::v1::Worker::Sync, const char*>, 5> kStates{{
      {admin::v1::Worker::SYNC_SYNCED, "synced"},
      {admin::v1::Worker::SYNC_NOT_SENT, "not_sent"},
      {admin::v1::Worker::SYNC_STALE, "stale"},
      {admin::v1::Worker::SYNC_ERROR, "error"},
      {admin::v1::Worker::SYNC_DISCONNECTED, "disconnected"},
  }};
  MetricFamily workers{"lb_workers", "Known worker processes.", Type::kGauge, {}};
  for (const auto& [sync, label] : kStates) {
    double count = 0;
    for (const auto& [key, record] : view.workers.workers())
      if (SyncOf(view, record) == sync) ++count;
    workers.Add({{"state", label}}, count);
  }
  out.push_back(std::move(workers));
}

void AddBackends(const View& view, Families& out) {
  MetricFamily up{
      "lb_backend_up", "1 if the backend is used for new connections.", Type::kGauge, {}};
  MetricFamily checks{"lb_health_checks_total", "Health checks done.", Type::kCounter, {}};
  MetricFamily failures{
      "lb_health_check_failures_total", "Health checks failed.", Type::kCounter, {}};
  for (const LiveRule& rule : view.live) {
    for (const LiveBackend& backend : rule.backends) {
      const std::vector<std::pair<std::string, std::string>> labels{{"rule", rule.name},
                                                                    {"backend", backend.name}};
      const BackendHealth* health = view.health.Find({rule.name, backend.name});
      if (health == nullptr) continue;
      up.Add(labels, IsUp(health->state) ? 1 : 0);
      if (!health->checked) continue;
      checks.Add(labels, AsDouble(health->checks_total));
      failures.Add(labels, AsDouble(health->failures_total));
    }
  }
  out.push_back(std::move(up));
  out.push_back(std::move(checks));
  out.push_back(std::move(failures));
}

void AddRules(const View& view, Families& out) {
  MetricFamily backends{"lb_rule_backends", "Backends of a rule by health.", Type::kGauge, {}};
  for (const LiveRule& rule : view.live) {
    std::array<double, 3> counts{};  // Unknown, healthy, unhealthy.
    for (const LiveBackend& backend : rule.backends) {
      const type::v1::HealthState state = view.health.StateOf({rule.name, backend.name});
      const bool healthy = state == type::v1::HEALTH_STATE_HEALTHY;
      ++counts[healthy ? 1u : (IsUp(state) ? 0u : 2u)];
    }
    backends.Add({{"rule", rule.name}, {"state", "unknown"}}, counts[0]);
    backends.Add({{"rule", rule.name}, {"state", "healthy"}}, counts[1]);
    backends.Add({{"rule", rule.name}, {"state", "unhealthy"}}, counts[2]);
  }
  out.push_back(std::move(backends));
}

void AddServices(const View& view, Families& out) {
  MetricFamily endpoints{"lb_service_endpoints", "Endpoints known of a Service.", Type::kGauge, {}};
  MetricFamily synced{"lb_service_in_sync",
                      "1 while a Service is watched and all it says is in use.",
                      Type::kGauge,
                      {}};
  for (const auto& [service, known] : view.services.known()) {
    const auto at = view.services.services().find(service);
    const size_t count = at == view.services.services().end() ? 0 : at->second.size();
    endpoints.Add({{"service", service.ToString()}}, AsDouble(count));
    synced.Add({{"service", service.ToString()}}, known.synced ? 1 : 0);
  }
  out.push_back(std::move(endpoints));
  out.push_back(std::move(synced));
}

}  // namespace

std::vector<MetricFamily> DescribeMetrics(const View& view) {
  Families out;
  AddConfig(view, out);
  AddWorkers(view, out);
  AddRules(view, out);
  AddBackends(view, out);
  MetricFamily transitions{
      "lb_backend_transitions_total", "Changes of a backend's health.", Type::kCounter, {}};
  transitions.Add({{"to", "healthy"}},
                  AsDouble(view.health.transitions_total(type::v1::HEALTH_STATE_HEALTHY)));
  transitions.Add({{"to", "unhealthy"}},
                  AsDouble(view.health.transitions_total(type::v1::HEALTH_STATE_UNHEALTHY)));
  out.push_back(std::move(transitions));
  AddCertificateMetrics(view, out);
  AddTicketMetrics(view, out);
  AddClusterMetrics(view, out);
  AddServices(view, out);
  AddOne(out, "lb_dns_queries_total", "DNS queries sent.", Type::kCounter,
         AsDouble(view.resolver.queries_total()));
  AddOne(out, "lb_dns_query_failures_total", "DNS queries without a usable answer.", Type::kCounter,
         AsDouble(view.resolver.failures_total()));
  return out;
}

}  // namespace lb::controlplane
