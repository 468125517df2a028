#include "controlplane/admin/explain_backends.h"

#include <algorithm>
#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

#include "absl/strings/str_cat.h"
#include "controlplane/admin/proto_time.h"
#include "controlplane/admin/rule_answers.h"
#include "controlplane/config/quantity.h"
#include "google/protobuf/util/time_util.h"

namespace lb::controlplane::explain {
namespace {

using Candidate = Response::Candidate;
using worker::v1::ClientReport;

constexpr size_t kMaxEjectedShown = 8;

// What every worker that answered says of a backend.
struct Said {
  uint64_t weight = 0;   // In the worker that has most.
  bool full = true;      // Everywhere.
  uint32_t ejected = 0;  // In so many workers.
};

Said SaidOf(const std::string& backend, const ClientReports& reports) {
  Said said;
  for (const auto& [worker, report] : reports) {
    for (const ClientReport::Candidate& candidate : report.candidates()) {
      if (candidate.backend() != backend) continue;
      said.weight = std::max<uint64_t>(said.weight, candidate.weight());
      said.full = said.full && candidate.full();
      said.ejected += candidate.ejected() ? 1 : 0;
    }
  }
  return said;
}

size_t CountPanic(const ClientReports& reports) {
  return static_cast<size_t>(std::count_if(reports.begin(), reports.end(),
                                           [](const auto& entry) { return entry.second.panic(); }));
}

// "until 2026-11-26T12:00:00.250Z (reset) by 1 of 2 workers"; empty where no worker leaves it out.
// Workers answer before they report an ejection: then it is only known that there is one.
std::string Ejected(const BackendKey& backend, const Said& said, const View& view) {
  const std::optional<OutlierBook::Summary> ejection =
      view.outliers.Find(backend, view.clock.steady);
  if (!ejection && said.ejected == 0) return "";
  std::string text = "a moment ago";
  uint32_t by = said.ejected;
  if (ejection) {
    const auto until = ToProto(view.clock.ToWall(ejection->longest.until));
    text = absl::StrCat("until ", google::protobuf::util::TimeUtil::ToString(until), " (",
                        ejection->longest.reason, ")");
    by = std::max(by, ejection->workers);
  }
  const size_t workers = view.workers.sessions().size();
  if (by < workers) absl::StrAppend(&text, " by ", by, " of ", workers, " workers");
  return text;
}

// "full", and whose slots they are where all hosts share them.
std::string Full(const BackendKey& key, const View& view) {
  const std::optional<SlotExchange::Share> share = view.slots.Look(key, view.clock.steady);
  if (!share) return "full";
  uint64_t held = 0;
  size_t heard = 0;
  for (const SlotExchange::Share::Host& host : share->hosts) {
    if (!host.need) continue;
    held += host.need->held;
    ++heard;
  }
  return absl::StrCat("full: ", share->rights, " of the cluster's ", share->limit,
                      " slots are this host's, ", held, " are in use in ", heard, " of ",
                      share->hosts.size(), " hosts");
}

// Nothing where it is used. What a worker says comes first; `answered`: some did.
std::string WhyOut(const LiveRule& rule, const LiveBackend& backend, const Said& said,
                   bool answered, const View& view) {
  if (said.weight > 0) return said.full ? Full({rule.name, backend.name}, view) : "";
  if (backend.ending) return "its pod ends";
  if (backend.admin_state == type::v1::ADMIN_STATE_DRAIN) return "drained";
  if (backend.admin_state == type::v1::ADMIN_STATE_MAINT) return "maintenance";
  const BackendKey key{rule.name, backend.name};
  if (!IsUp(view.health.StateOf(key))) return "unhealthy";
  if (backend.weight == 0) return "weight 0";
  const std::string ejected = Ejected(key, said, view);
  if (!ejected.empty()) return absl::StrCat("ejected ", ejected);
  if (!answered) return kNobody;
  return backend.backup ? "backup, not needed" : "not in use yet";
}

// Why one that is used would not be, were it alone; nothing where nothing is odd.
std::string WhyIn(const BackendKey& key, const Said& said, bool panic, const View& view) {
  if (said.weight == 0) return "";
  std::string why;
  if (!IsUp(view.health.StateOf(key))) why = "unhealthy";
  const std::string ejected = Ejected(key, said, view);
  if (why.empty() && !ejected.empty()) why = absl::StrCat("ejected ", ejected);
  if (why.empty() || !panic) return why;
  return absl::StrCat(why, "; used in panic");
}

// Whether a connection that finds all of them full waits for its turn.
void CheckQueue(const LiveRule& rule, const View& view, size_t workers, Response& out) {
  constexpr char kName[] = "queue";
  if (!rule.queue) return;
  const uint64_t waiting = view.totals.OfRule(rule.name).queued;
  const uint64_t most = uint64_t{rule.queue->max} * workers;
  const std::string state =
      absl::StrCat(waiting, " of ", most, " waiting",
                   workers > 1 ? absl::StrCat(" in ", workers, " workers") : std::string());
  if (waiting >= most) return Add(kName, kRefused, absl::StrCat("the queue is full: ", state), out);
  const auto timeout_ms = static_cast<uint64_t>(rule.queue->timeout.count());
  Add(kName, kWaits,
      absl::StrCat("would wait in the queue (", state, ", up to ",
                   WriteQuantity(ValueType::kDuration, timeout_ms), ")"),
      out);
}

// `share`: some backend takes connections; `full`: some would, had it room.
void CheckTaken(const LiveRule& rule, const View& view, size_t workers, bool share, bool full,
                Response& out) {
  constexpr char kName[] = "backends";
  if (workers == 0) return Add(kName, kDepends, kNobody, out);
  if (share)
    return Add(
        kName, kPassed,
        absl::StrCat("chosen by ", ToString(rule.balance.algorithm), " among those with a share"),
        out);
  const bool waits = full && rule.queue;
  const bool none = out.candidates_size() == 0 && !view.services.known().empty();
  Add(kName, waits ? kWaits : kRefused,
      waits  ? "all that could take it are full"
      : none ? "there is none: no Service of it has an endpoint, see lbctl status"
             : "none can take a connection",
      out);
  if (waits) CheckQueue(rule, view, workers, out);
}

}  // namespace

void Add(const char* name, Response::Verdict verdict, std::string why, Response& out) {
  Response::Check& check = *out.add_checks();
  check.set_name(name);
  check.set_verdict(verdict);
  check.set_why(std::move(why));
}

void CheckOutliers(const LiveRule& rule, const View& view, const ClientReports& reports,
                   Response& out) {
  if (!rule.outlier_detection) return;
  std::string why;
  size_t ejected = 0;
  for (const LiveBackend& backend : rule.backends) {
    const std::string until =
        Ejected({rule.name, backend.name}, SaidOf(backend.name, reports), view);
    if (until.empty() || ++ejected > kMaxEjectedShown) continue;
    absl::StrAppend(&why, why.empty() ? "left out: " : ", ", backend.name, " ", until);
  }
  if (ejected > kMaxEjectedShown)
    absl::StrAppend(&why, " and ", ejected - kMaxEjectedShown, " more");
  Add("outlier_detection", kPassed, ejected == 0 ? "no backend is left out" : std::move(why), out);
}

void CheckPanic(const LiveRule& rule, const ClientReports& reports, Response& out) {
  const size_t panic = CountPanic(reports);
  if (panic == 0) return;
  Add("panic_threshold", kPassed,
      absl::StrCat("panic in ", panic, " of ", reports.size(), " workers: fewer than ",
                   rule.balance.panic_threshold_percent,
                   "% of the backends are usable, so all are used"),
      out);
}

void AddBackends(const LiveRule& rule, uint32_t route, const View& view,
                 const ClientReports& reports, Response& out) {
  uint64_t total = 0;
  bool full = false;
  const bool panic = CountPanic(reports) > 0;
  std::vector<uint64_t> weights;
  for (const LiveBackend& backend : rule.backends) {
    if (backend.sni_route != route) continue;
    const BackendKey key{rule.name, backend.name};
    const Said said = SaidOf(backend.name, reports);
    Candidate& candidate = *out.add_candidates();
    candidate.set_backend(BackendName(rule.name, backend.name));
    candidate.set_connections(view.totals.OfBackend(key).connections);
    candidate.set_why_out(WhyOut(rule, backend, said, !reports.empty(), view));
    candidate.set_why_in(WhyIn(key, said, panic, view));
    full |= said.weight > 0 && said.full;
    weights.push_back(candidate.why_out().empty() ? said.weight : 0);
    total += weights.back();
  }
  for (size_t i = 0; i < weights.size() && total > 0; ++i)
    out.mutable_candidates(static_cast<int>(i))
        ->set_share_ratio(static_cast<double>(weights[i]) / static_cast<double>(total));
  for (const UnresolvedBackend& backend : rule.unresolved) {
    if (backend.sni_route != route) continue;
    Candidate& candidate = *out.add_candidates();
    candidate.set_backend(BackendName(rule.name, backend.name));
    candidate.set_why_out(absl::StrCat(
        backend.service ? "no endpoint of its Service is known: " : "its name has no address: ",
        WhyUnresolved(view, backend)));
  }
  CheckTaken(rule, view, reports.size(), total > 0, full, out);
}

}  // namespace lb::controlplane::explain
