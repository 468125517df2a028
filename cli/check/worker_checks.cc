#include <algorithm>
#include <map>

#include "absl/strings/match.h"
#include "absl/strings/str_cat.h"
#include "cli/check/checks.h"

namespace lb::cli {
namespace {

using admin::v1::Worker;

std::string PlaceOf(const lb::type::v1::Problem& problem) {
  if (problem.line() == 0) return "";
  return absl::StrCat(problem.file(), ":", problem.line(), ":", problem.column(), ": ");
}

std::string RefusalOf(const Worker& worker) {
  std::string text = absl::StrCat(worker.name(), " refused the configuration");
  if (!worker.nack_reason().empty()) absl::StrAppend(&text, ", ", worker.nack_reason());
  if (worker.problems().empty()) return text;
  return absl::StrCat(text, ": ", PlaceOf(worker.problems(0)), worker.problems(0).message());
}

// How often each resource had one of these kinds of event since `since_s`.
std::map<std::string, int> CountEvents(const ServerFacts& server, int64_t since_s,
                                       const std::set<std::string>& kinds) {
  std::map<std::string, int> counts;
  for (const admin::v1::Event& event : server.events)
    if (event.time().seconds() >= since_s && kinds.count(event.kind()) > 0)
      ++counts[event.resource()];
  return counts;
}

void CheckServing(const ServerFacts& server, Report& report) {
  size_t connected = 0;
  size_t accepting = 0;
  for (const Worker& worker : server.workers) {
    if (worker.sync() == Worker::SYNC_DISCONNECTED) continue;
    ++connected;
    if (!worker.draining()) ++accepting;
  }
  if (connected == 0) {
    report.Error(codes::kNoWorker, "no worker is connected to the control plane",
                 "start lb-worker with --control that of --worker-api; its log says why not");
  } else if (accepting == 0) {
    report.Error(codes::kNoWorker, "every worker drains: new connections are refused",
                 "lbctl worker undrain NAME");
  }
  report.End(codes::kNoWorker);
}

// STALE is also one that was only just sent something.
bool IsSilent(const Worker& worker, int64_t now_s) {
  return worker.sync() == Worker::SYNC_STALE &&
         now_s - worker.last_seen_time().seconds() >= kSilentS;
}

bool IsPending(const Worker& worker, int64_t now_s) {
  return worker.sync() == Worker::SYNC_NOT_SENT ||
         (worker.sync() == Worker::SYNC_STALE && !IsSilent(worker, now_s));
}

void CheckSync(const ServerFacts& server, int64_t now_s, Report& report) {
  for (const Worker& worker : server.workers)
    if (worker.sync() == Worker::SYNC_ERROR)
      report.Error(codes::kWorkerRefused, RefusalOf(worker),
                   absl::StrCat("lbctl describe ", worker.name(), "; what it ran goes on"));
  report.End(codes::kWorkerRefused);
  for (const Worker& worker : server.workers)
    if (IsSilent(worker, now_s))
      report.Error(codes::kWorkerStale,
                   absl::StrCat(worker.name(), " (pid ", worker.process().pid(),
                                ") is silent: it hangs, or is stopped"),
                   "the kernel still hands it connections: kill it, then start it again");
  report.End(codes::kWorkerStale);
  for (const Worker& worker : server.workers)
    if (worker.sync() == Worker::SYNC_DISCONNECTED)
      report.Warn(codes::kWorkerGone, worker.name() + " is not connected",
                  "start it again; one that is gone for good is forgotten by itself");
  report.End(codes::kWorkerGone);
  for (const Worker& worker : server.workers)
    if (IsPending(worker, now_s))
      report.Warn(codes::kWorkerPending,
                  absl::StrCat(worker.name(), " runs revision ", worker.acked().revision(),
                               ", not yet ", server.status.running().revision()),
                  "lbctl rollout status --wait 30s");
  report.End(codes::kWorkerPending);
}

void CheckRestarts(const ServerFacts& server, int64_t now_s, Report& report) {
  const auto starts = CountEvents(server, now_s - kRestartWindowS, {"worker.connected"});
  for (const auto& [worker, count] : starts)
    if (count > kRestartsMax)
      report.Warn(codes::kWorkerRestarts,
                  absl::StrCat(worker, " connected ", count, " times within the last ",
                               kRestartWindowS / 60, " minutes"),
                  "its log; lbctl watch events --since 1h --kind worker");
  report.End(codes::kWorkerRestarts);
}

bool IsUsed(const admin::v1::Backend& backend) {
  return backend.admin_state() != lb::type::v1::ADMIN_STATE_MAINT;
}

// "shop/web:http", the place of a Service of Kubernetes; no host has a slash in it.
bool IsOfService(const admin::v1::Backend& backend) {
  return absl::StrContains(backend.address(), '/') && !absl::StartsWith(backend.address(), "unix:");
}

// Those of which nothing is known, then those that are empty or of which what is known may be old.
void CheckServices(const ServerFacts& server, Report& report) {
  for (const admin::v1::Backend& backend : server.backends)
    if (!backend.unresolved().empty() && IsOfService(backend))
      report.Error(codes::kService,
                   absl::StrCat(backend.name(), ": nothing is known of ", backend.address(), ": ",
                                backend.unresolved()),
                   "the API server, and what it allows: docs/kubernetes-discovery.md");
  for (const admin::v1::Alert& alert : server.status.alerts())
    if (absl::StartsWith(alert.resource(), "services/"))
      report.Warn(codes::kService, absl::StrCat(alert.resource(), ": ", alert.message()),
                  "the Service's name and port; the API server: docs/kubernetes-discovery.md");
  report.End(codes::kService);
}

// Of a rule without a backend that is up.
std::string DescribeDown(const admin::v1::Rule& rule) {
  if (rule.backends_total() == 0) return absl::StrCat(rule.name(), " has no backend");
  if (rule.backends_total() == 1) return absl::StrCat("the backend of ", rule.name(), " is down");
  return absl::StrCat("all ", rule.backends_total(), " backends of ", rule.name(), " are down");
}

}  // namespace

void CheckWorkers(const Facts& facts, Report& report) {
  if (!facts.server) {
    const char* why = facts.pre ? "nothing of lb runs yet" : "the control plane does not answer";
    for (const Code* code : kAllCodes)
      if (code->category == Category::kWorkers) report.Skip(*code, why);
    return;
  }
  CheckServing(*facts.server, report);
  CheckSync(*facts.server, facts.now_s, report);
  CheckRestarts(*facts.server, facts.now_s, report);
}

void CheckBackends(const Facts& facts, Report& report) {
  if (!facts.server) {
    const char* why = facts.pre ? "nothing of lb runs yet" : "the control plane does not answer";
    for (const Code* code : kAllCodes)
      if (code->category == Category::kBackends) report.Skip(*code, why);
    return;
  }
  const ServerFacts& server = *facts.server;
  for (const admin::v1::Backend& backend : server.backends)
    if (backend.health() == lb::type::v1::HEALTH_STATE_UNHEALTHY && IsUsed(backend))
      report.Warn(codes::kBackendDown,
                  absl::StrCat(backend.name(), " (", backend.address(),
                               ") is DOWN: ", backend.health_detail()),
                  "look at that server; lbctl backend maint takes it out without alerts");
  report.End(codes::kBackendDown);
  for (const admin::v1::Rule& rule : server.rules)
    if (rule.backends_up() == 0)
      report.Error(codes::kRuleDown,
                   absl::StrCat(DescribeDown(rule), ": its connections are refused"),
                   rule.backends_total() == 0 ? "lbctl status says which Service has no endpoint"
                                              : absl::StrCat("lbctl describe ", rule.name()));
  report.End(codes::kRuleDown);
  const auto flaps =
      CountEvents(server, facts.now_s - kFlapWindowS, {"backend.up", "backend.down"});
  for (const auto& [backend, count] : flaps)
    if (count >= kFlapsMax)
      report.Warn(codes::kFlapping,
                  absl::StrCat(backend, " went up or down ", count, " times within ",
                               kFlapWindowS / 60, " minutes"),
                  "a longer timeout, or a higher rise and fall of its health_check");
  report.End(codes::kFlapping);
  for (const admin::v1::Backend& backend : server.backends)
    if (!backend.unresolved().empty() && !IsOfService(backend))
      report.Error(codes::kUnresolved,
                   absl::StrCat(backend.name(), " has no address: ", backend.unresolved()),
                   "the name in the file; the server in dns.servers or /etc/resolv.conf");
  report.End(codes::kUnresolved);
  for (const admin::v1::Backend& backend : server.backends)
    if (backend.has_ejection() && IsUsed(backend))
      report.Warn(codes::kEjected,
                  absl::StrCat(backend.name(), " (", backend.address(), ") is left out by ",
                               backend.ejection().workers(),
                               " of the workers: ", backend.ejection().failures(),
                               " failures in a row, the last ", backend.ejection().reason()),
                  "look at that server and the way to it; it is used again by itself");
  report.End(codes::kEjected);
  CheckServices(server, report);
}

}  // namespace lb::cli
