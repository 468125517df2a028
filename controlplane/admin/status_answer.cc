#include "controlplane/admin/status_answer.h"

#include <algorithm>
#include <chrono>
#include <map>
#include <string>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/admin/certificate_answers.h"
#include "controlplane/admin/member_answers.h"
#include "controlplane/admin/proto_time.h"
#include "controlplane/admin/rule_answers.h"
#include "controlplane/admin/service_alerts.h"
#include "controlplane/admin/worker_answers.h"

namespace lb::controlplane {
namespace {

// Adds alerts up to the cap and counts the rest.
class Alerts final {
 public:
  explicit Alerts(admin::v1::Status& out) : out_(out) {}

  void Add(std::string resource, std::string message) {
    if (out_.alerts_size() >= kMaxAlerts) {
      ++left_out_;
      return;
    }
    admin::v1::Alert& alert = *out_.add_alerts();
    alert.set_resource(std::move(resource));
    alert.set_message(std::move(message));
  }

  void Finish() {
    if (left_out_ == 0) return;
    out_.add_alerts()->set_message(absl::StrCat(left_out_, " more alerts"));
  }

 private:
  admin::v1::Status& out_;
  uint64_t left_out_ = 0;
};

void AddProblem(const FileStatus& file, const Finding& finding, admin::v1::ConfigFile& out) {
  type::v1::Problem& problem = *out.add_problems();
  problem.set_severity(finding.severity == Finding::Severity::kError
                           ? type::v1::Problem::SEVERITY_ERROR
                           : type::v1::Problem::SEVERITY_WARNING);
  problem.set_code(finding.code);
  problem.set_message(finding.message);
  problem.set_field(finding.field);
  problem.set_file(file.path);
  problem.set_line(finding.line);
  problem.set_column(finding.column);
  problem.set_hint(finding.hint);
}

void DescribeFile(const View& view, admin::v1::ConfigFile& out) {
  const FileStatus& file = view.file;
  out.set_path(file.path);
  out.set_good(file.good);
  if (file.bad_since) *out.mutable_bad_since_time() = ToProto(view.clock.ToWall(*file.bad_since));
  if (file.applied) *out.mutable_applied_time() = ToProto(view.clock.ToWall(*file.applied));
  for (const Finding& finding : file.findings)
    if (out.problems_size() < kMaxStatusProblems) AddProblem(file, finding, out);
  out.set_problems_total(static_cast<uint32_t>(file.findings_total));
}

// Why a backend is down. The last result alone would mislead while checks pass that are still too
// few.
std::string DescribeDown(const BackendHealth* health) {
  if (health == nullptr || health->detail.empty()) return "down as last known; not checked yet";
  if (health->against == 0) return absl::StrCat("down: ", health->detail);
  return absl::StrCat("down, ", health->against, " of ", health->against_needed, " checks passed");
}

// Counts the connected workers that accept nothing.
uint32_t CountDraining(const View& view) {
  uint32_t draining = 0;
  for (const auto& [session, key] : view.workers.sessions())
    if (view.workers.Find(key)->draining) ++draining;
  return draining;
}

// The ways in which clients are turned away altogether come before single backends.
void FindOutages(const View& view, const admin::v1::Status& out, Alerts& alerts) {
  const size_t connected = view.workers.sessions().size();
  if (connected == 0) {
    alerts.Add("workers", "none is connected: this control plane steers nothing");
  } else if (out.workers_draining() == connected) {
    alerts.Add("workers", "no worker accepts connections: all of them drain");
  }
  for (const LiveRule& rule : view.live) {
    bool any_up = false;
    bool any_takes = false;
    for (const LiveBackend& backend : rule.backends) {
      const bool up = IsUp(view.health.StateOf(BackendKey{rule.name, backend.name}));
      any_up |= up && backend.admin_state != type::v1::ADMIN_STATE_MAINT;
      any_takes |= up && backend.weight > 0;
    }
    if (any_takes) continue;
    const bool none = rule.backends.empty() && rule.unresolved.empty();
    alerts.Add(absl::StrCat("rules/", rule.name),
               any_up ? "every backend that is up is drained or has weight 0: connections are "
                        "refused"
               : none ? "no Service of it has an endpoint: connections are refused"
                      : "no backend is up: connections are refused");
  }
}

// Rules that do not run although the file has them.
void FindLeftOut(const View& view, admin::v1::Status& out, Alerts& alerts) {
  for (const std::string& rule : view.file.left_out) {
    out.add_rules_left_out(absl::StrCat("rules/", rule));
    alerts.Add(absl::StrCat("rules/", rule),
               "left out, nobody serves it: files of TLS that it needs are refused, see lbctl cert "
               "check");
  }
}

// Routes of which no backend takes connections, of a rule that has others which do.
void FindRouteOutages(const View& view, Alerts& alerts) {
  for (const LiveRule& rule : view.live) {
    std::vector<bool> takes(rule.sni_routes.size() + 1);  // [0]: of clients that no route takes.
    for (const LiveBackend& backend : rule.backends)
      if (backend.weight > 0 && IsUp(view.health.StateOf(BackendKey{rule.name, backend.name})))
        takes.at(backend.sni_route) = true;
    if (std::find(takes.begin(), takes.end(), true) == takes.end()) continue;
    for (size_t i = 0; i < rule.sni_routes.size(); ++i)
      if (!takes[i + 1])
        alerts.Add(absl::StrCat("rules/", rule.name),
                   absl::StrCat("no backend of route ", i + 1, " (", rule.sni_routes[i].names[0],
                                ") takes connections: they are refused"));
  }
}

// Rules that use backends which are down.
void FindPanic(const View& view, Alerts& alerts) {
  for (const LiveRule& rule : view.live) {
    const uint32_t workers = view.totals.OfRule(rule.name).workers_in_panic;
    if (workers == 0) continue;
    alerts.Add(absl::StrCat("rules/", rule.name),
               absl::StrCat("panic in ", workers, workers == 1 ? " worker" : " workers",
                            ": fewer than panic_threshold (", rule.balance.panic_threshold_percent,
                            "%) of its backends are usable, so all are used"));
  }
}

void FindBrokenLogs(const View& view, Alerts& alerts) {
  for (const auto& [worker, error] : view.totals.AccessLogErrors())
    alerts.Add(absl::StrCat("workers/", worker.id),
               absl::StrCat("lines of the access log are dropped: ", error));
}

// "left out by 2 workers after 5 failures (reset), back in 7s"
std::string DescribeEjected(const OutlierBook::Summary& ejection, Instant now) {
  const auto left = std::chrono::ceil<std::chrono::seconds>(ejection.longest.until - now);
  return absl::StrCat("left out by ", ejection.workers,
                      ejection.workers == 1 ? " worker" : " workers", " after ",
                      ejection.longest.failures, " failures (", ejection.longest.reason,
                      "), back in ", left.count(), "s");
}

void CountBackends(const View& view, admin::v1::Status& out, Alerts& alerts) {
  uint32_t up = 0;
  uint32_t down = 0;
  for (const LiveRule& rule : view.live) {
    for (const LiveBackend& backend : rule.backends) {
      const BackendKey key{rule.name, backend.name};
      if (view.overrides.Find(key) != nullptr)
        out.set_backends_overridden(out.backends_overridden() + 1);
      if (backend.admin_state == type::v1::ADMIN_STATE_MAINT) continue;
      if (const auto ejection = view.outliers.Find(key, view.clock.steady)) {
        out.set_backends_ejected(out.backends_ejected() + 1);
        alerts.Add(BackendName(rule.name, backend.name),
                   DescribeEjected(*ejection, view.clock.steady));
      }
      if (IsUp(view.health.StateOf(key))) {
        ++up;
        continue;
      }
      ++down;
      alerts.Add(BackendName(rule.name, backend.name), DescribeDown(view.health.Find(key)));
    }
    for (const UnresolvedBackend& backend : rule.unresolved) {
      ++down;
      alerts.Add(
          BackendName(rule.name, backend.name),
          absl::StrCat(backend.Place(), backend.service ? " is not known: " : " does not resolve: ",
                       WhyUnresolved(view, backend)));
    }
  }
  out.set_backends_up(up);
  out.set_backends_down(down);
}

// What was refused and why, and what goes on meanwhile.
std::string DescribeRefusal(const WorkerRecord& record) {
  const worker::v1::Nack& nack = *record.lane.refused();
  std::string out = absl::StrCat("refused version ", nack.rejected().revision(), ": ",
                                 worker::v1::Nack::Reason_Name(nack.reason()).substr(7));
  if (nack.problems_size() > 0) {
    const type::v1::Problem& first = nack.problems(0);
    absl::StrAppend(&out, ": ", first.field(), first.field().empty() ? "" : ": ", first.message());
  }
  if (!record.lane.running()) return absl::StrCat(out, "; it runs none");
  return absl::StrCat(out, "; version ", record.lane.running()->revision(), " keeps running");
}

void CountWorkers(const View& view, admin::v1::Status& out, Alerts& alerts) {
  for (const auto& [key, record] : view.workers.workers()) {
    switch (SyncOf(view, record)) {
      case admin::v1::Worker::SYNC_SYNCED:
        out.set_workers_synced(out.workers_synced() + 1);
        break;
      case admin::v1::Worker::SYNC_DISCONNECTED:
        out.set_workers_disconnected(out.workers_disconnected() + 1);
        break;
      case admin::v1::Worker::SYNC_ERROR:
        out.set_workers_failed(out.workers_failed() + 1);
        alerts.Add(absl::StrCat("workers/", key.id), DescribeRefusal(record));
        break;
      case admin::v1::Worker::SYNC_STALE:
        if (record.silent) {
          out.set_workers_stale(out.workers_stale() + 1);
          alerts.Add(absl::StrCat("workers/", key.id),
                     absl::StrCat("no message for more than ", WorkerTable::kSilentAfter.count(),
                                  " s: it hangs or is stopped (pid ", record.identity.pid(), ")"));
          break;
        }
        [[fallthrough]];
      default:
        out.set_workers_pending(out.workers_pending() + 1);
    }
  }
}

// Workers that are missed, and names that two have: each would count as the other.
void FindOddWorkers(const View& view, Alerts& alerts) {
  constexpr std::chrono::minutes kMissed{10};
  for (const auto& [id, since] : view.workers.lost()) {
    const Duration ago = view.clock.steady - since;
    if (ago > kMissed) continue;
    const int64_t seconds = std::chrono::duration_cast<std::chrono::seconds>(ago).count();
    alerts.Add(
        absl::StrCat("workers/", id),
        absl::StrCat("gone without a goodbye ",
                     seconds < 60 ? absl::StrCat(seconds, "s") : absl::StrCat(seconds / 60, "m"),
                     " ago; see: lbctl watch events --since 10m --kind worker"));
  }
  std::map<std::string, int> processes;
  for (const auto& [session, key] : view.workers.sessions()) ++processes[key.id];
  for (const auto& [id, count] : processes)
    if (count > 1)
      alerts.Add(absl::StrCat("workers/", id),
                 absl::StrCat(count, " processes have this name; give each its own with --id"));
}

}  // namespace

admin::v1::Status DescribeStatus(const View& view) {
  admin::v1::Status out;
  Alerts alerts(out);
  *out.mutable_control_plane() = view.self;
  if (view.versions.has_content()) *out.mutable_running() = view.versions.current();
  DescribeFile(view, *out.mutable_file());
  if (view.file.bad_since)
    alerts.Add(view.file.path, "the file on disk is bad; what ran before goes on");
  if (const Revision* newest = view.history.newest()) {
    out.set_config_revision(newest->number);
    if (view.confirmation && view.confirmation->digest == newest->digest)
      *out.mutable_confirm_deadline_time() = ToProto(view.confirmation->deadline_wall);
  }
  out.set_rules(static_cast<uint32_t>(view.live.size()));
  out.set_workers_draining(CountDraining(view));
  FindLeftOut(view, out, alerts);
  FindOutages(view, out, alerts);
  FindRouteOutages(view, alerts);
  FindPanic(view, alerts);
  for (admin::v1::Alert& alert : CertificateAlerts(view))
    alerts.Add(std::move(*alert.mutable_resource()), std::move(*alert.mutable_message()));
  if (view.cluster.enabled) *out.mutable_cluster() = DescribeCluster(view.cluster);
  for (admin::v1::Alert& alert : ClusterAlerts(view))
    alerts.Add(std::move(*alert.mutable_resource()), std::move(*alert.mutable_message()));
  for (admin::v1::Alert& alert : ServiceAlerts(view))
    alerts.Add(std::move(*alert.mutable_resource()), std::move(*alert.mutable_message()));
  CountBackends(view, out, alerts);
  CountWorkers(view, out, alerts);
  FindOddWorkers(view, alerts);
  FindBrokenLogs(view, alerts);
  alerts.Finish();
  const WorkerTotals totals = view.totals.Overall();
  out.set_connections(totals.connections);
  out.set_connections_total(totals.connections_total);
  *out.mutable_time() = ToProto(view.clock.wall);
  return out;
}

}  // namespace lb::controlplane
