// What the next connection of a client would meet, check by check, in the order of the data path
// (dataplane/forward/listener.cc).
#include <algorithm>
#include <optional>

#include "absl/strings/str_cat.h"
#include "controlplane/admin/limit_answers.h"
#include "controlplane/admin/proto_time.h"
#include "controlplane/admin/rule_answers.h"
#include "google/protobuf/util/time_util.h"

namespace lb::controlplane {
namespace {

using admin::v1::ExplainConnectionResponse;
using Candidate = ExplainConnectionResponse::Candidate;
using worker::v1::ClientReport;

constexpr char kNobody[] = "no worker answered";
constexpr auto kPassed = ExplainConnectionResponse::VERDICT_PASSED;
constexpr auto kRefused = ExplainConnectionResponse::VERDICT_REFUSED;
constexpr auto kDepends = ExplainConnectionResponse::VERDICT_DEPENDS;

constexpr size_t kMaxEjectedShown = 8;

void Add(const char* name, ExplainConnectionResponse::Verdict verdict, std::string why,
         ExplainConnectionResponse& out) {
  ExplainConnectionResponse::Check& check = *out.add_checks();
  check.set_name(name);
  check.set_verdict(verdict);
  check.set_why(std::move(why));
}

// The longest of the networks that holds the client, or nullptr.
const Cidr* Longest(const std::vector<Cidr>& networks, const SocketAddress& client) {
  const Cidr* longest = nullptr;
  for (const Cidr& network : networks)
    if (network.Contains(client) && (longest == nullptr || network.bits() > longest->bits()))
      longest = &network;
  return longest;
}

void CheckProxy(const LiveRule& rule, const SocketAddress& client, ExplainConnectionResponse& out) {
  const ProxyProtocolConfig& proxy = rule.proxy_protocol;
  if (!proxy.accept) return;
  constexpr char kName[] = "proxy_protocol";
  if (proxy.from.empty())
    return Add(kName, kDepends, "a PROXY header must come first; what follows is of whom it names",
               out);
  if (const Cidr* from = Longest(proxy.from, client))
    return Add(kName, kDepends,
               absl::StrCat("in ", from->ToString(),
                            ": a PROXY header must come first; what follows is of whom it names"),
               out);
  if (proxy.refuse_others)
    return Add(kName, kRefused, "not in accept.from, and others are refused", out);
  Add(kName, kPassed, "not in accept.from: taken as it is", out);
}

void CheckAccess(const LiveRule& rule, const SocketAddress& client,
                 ExplainConnectionResponse& out) {
  if (rule.allow.empty() && rule.deny.empty()) return;
  const Cidr* allow = Longest(rule.allow, client);
  const Cidr* deny = Longest(rule.deny, client);
  if (deny != nullptr && (allow == nullptr || deny->bits() > allow->bits()))
    return Add("deny", kRefused, absl::StrCat(deny->ToString(), " decides"), out);
  if (allow != nullptr)
    return Add("allow", kPassed, absl::StrCat(allow->ToString(), " decides"), out);
  if (!rule.allow.empty()) return Add("allow", kRefused, "no network of the list holds it", out);
  Add("deny", kPassed, "no network of the list holds it", out);
}

void CheckRate(const LiveRule& rule, const ClientReports& reports, ExplainConnectionResponse& out) {
  if (!rule.rate_limit || rule.rate_limit->enforce == RateLimitConfig::Enforce::kOff) return;
  int asked = 0;
  int full = 0;
  for (const auto& [worker, report] : reports) {
    for (const ClientReport::Limit& limit : report.limits()) {
      if (!limit.has_asked()) continue;
      ++asked;
      if (limit.asked().tokens() >= 1) ++full;
      admin::v1::Bucket& bucket = *out.add_buckets();
      bucket.set_worker(absl::StrCat("workers/", worker.id));
      bucket.set_tokens(limit.asked().tokens());
      bucket.set_burst(limit.asked().burst());
      bucket.set_rate_per_s(limit.asked().rate_per_s());
      bucket.set_has_budget(limit.asked().has_budget());
    }
  }
  constexpr char kName[] = "rate_limit";
  if (asked == 0)
    return Add(kName, kDepends,
               reports.empty() ? kNobody : "no worker that answered has this limit yet", out);
  if (asked == full)
    return Add(kName, kPassed,
               asked == 1 ? "there is a token" : "every worker that answered has a token", out);
  const bool shadow = rule.rate_limit->enforce == RateLimitConfig::Enforce::kShadow;
  const char* counted = shadow ? "; it is only counted" : "";
  if (full > 0)
    return Add(kName, shadow ? kPassed : kDepends,
               absl::StrCat(full, " of ", asked, " workers have a token", counted), out);
  Add(kName, shadow ? kPassed : kRefused, absl::StrCat("no token is left", counted), out);
}

void CheckClientLimit(const LiveRule& rule, const ClientReports& reports,
                      ExplainConnectionResponse& out) {
  if (rule.max_connections_per_client == 0) return;
  uint64_t open = 0;
  int asked = 0;
  int with_room = 0;
  for (const auto& [worker, report] : reports) {
    if (!report.has_connections()) continue;
    ++asked;
    open += report.connections().open();
    if (report.connections().open() < report.connections().slots()) ++with_room;
  }
  constexpr char kName[] = "max_connections_per_client";
  if (asked == 0) return Add(kName, kDepends, "no worker counts them yet", out);
  std::string why = absl::StrCat(open, " of ", rule.max_connections_per_client, " open");
  if (asked > 1)
    absl::StrAppend(&why, " in ", asked, " workers, ", with_room, " of them with room");
  const auto some = with_room > 0 ? kDepends : kRefused;
  Add(kName, with_room == asked ? kPassed : some, std::move(why), out);
}

void CheckRuleLimit(const LiveRule& rule, const View& view, ExplainConnectionResponse& out) {
  if (rule.max_connections == 0) return;
  const uint64_t open = view.totals.OfRule(rule.name).connections;
  Add("max_connections", open < rule.max_connections ? kPassed : kRefused,
      absl::StrCat(open, " of ", rule.max_connections, " in use"), out);
}

// A limit of bandwidth refuses nobody; it is told how fast the client's connections are.
void CheckBandwidth(const LiveRule& rule, const ClientReports& reports,
                    ExplainConnectionResponse& out) {
  if (!rule.bandwidth_limit) return;
  const BandwidthRatesConfig& most = rule.bandwidth_limit->client;
  if (most.upload_bytes_per_s == 0 && most.download_bytes_per_s == 0) return;
  double upload = 0;
  double download = 0;
  uint64_t connections = 0;
  for (const auto& [worker, report] : reports) {
    for (const ClientReport::Bandwidth& limit : report.bandwidths()) {
      if (!limit.has_asked()) continue;
      upload += limit.asked().upload_bytes_per_s();
      download += limit.asked().download_bytes_per_s();
      connections += limit.asked().connections();
    }
  }
  const auto way = [](const char* name, double now, uint64_t limit) {
    return absl::StrCat(
        name, " ", static_cast<uint64_t>(now),
        limit == 0 ? std::string(", no limit") : absl::StrCat(" of ", limit, " bytes/s"));
  };
  Add("bandwidth_limit", kPassed,
      absl::StrCat(way("upload", upload, most.upload_bytes_per_s), ", ",
                   way("download", download, most.download_bytes_per_s), ", ", connections,
                   connections == 1 ? " connection" : " connections"),
      out);
}

// What every worker that answered says of a backend.
struct Said {
  uint64_t weight = 0;  // In the worker that has most.
  bool full = true;     // Everywhere.
};

Said SaidOf(const std::string& backend, const ClientReports& reports) {
  Said said;
  for (const auto& [worker, report] : reports) {
    for (const ClientReport::Candidate& candidate : report.candidates()) {
      if (candidate.backend() != backend) continue;
      said.weight = std::max<uint64_t>(said.weight, candidate.weight());
      said.full = said.full && candidate.full();
    }
  }
  return said;
}

// "until 2026-11-26T12:00:00.250Z (reset)"; empty where no worker leaves it out.
std::string EjectedUntil(const BackendKey& backend, const View& view) {
  const std::optional<OutlierBook::Summary> ejection =
      view.outliers.Find(backend, view.clock.steady);
  if (!ejection) return "";
  const auto until = ToProto(view.clock.ToWall(ejection->longest.until));
  std::string text = absl::StrCat("until ", google::protobuf::util::TimeUtil::ToString(until), " (",
                                  ejection->longest.reason, ")");
  const size_t workers = view.workers.sessions().size();
  if (ejection->workers < workers)
    absl::StrAppend(&text, " by ", ejection->workers, " of ", workers, " workers");
  return text;
}

void CheckOutliers(const LiveRule& rule, const View& view, ExplainConnectionResponse& out) {
  if (!rule.outlier_detection) return;
  std::string why;
  size_t ejected = 0;
  for (const LiveBackend& backend : rule.backends) {
    const std::string until = EjectedUntil({rule.name, backend.name}, view);
    if (until.empty() || ++ejected > kMaxEjectedShown) continue;
    absl::StrAppend(&why, why.empty() ? "left out: " : ", ", backend.name, " ", until);
  }
  if (ejected > kMaxEjectedShown)
    absl::StrAppend(&why, " and ", ejected - kMaxEjectedShown, " more");
  Add("outlier_detection", kPassed, ejected == 0 ? "no backend is left out" : std::move(why), out);
}

// Nothing where it is used. What a worker says comes first; `answered`: some did.
std::string WhyOut(const LiveRule& rule, const LiveBackend& backend, const Said& said,
                   bool answered, const View& view) {
  if (said.weight > 0) return said.full ? "full" : "";
  if (backend.admin_state == type::v1::ADMIN_STATE_DRAIN) return "drained";
  if (backend.admin_state == type::v1::ADMIN_STATE_MAINT) return "maintenance";
  const BackendKey key{rule.name, backend.name};
  if (!IsUp(view.health.StateOf(key))) return "unhealthy";
  if (backend.weight == 0) return "weight 0";
  const std::string until = EjectedUntil(key, view);
  if (!until.empty()) return absl::StrCat("ejected ", until);
  if (!answered) return kNobody;
  return backend.backup ? "backup, not needed" : "not in use yet";
}

void AddCandidates(const LiveRule& rule, const View& view, const ClientReports& reports,
                   ExplainConnectionResponse& out) {
  uint64_t total = 0;
  std::vector<uint64_t> weights;
  for (const LiveBackend& backend : rule.backends) {
    const Said said = SaidOf(backend.name, reports);
    Candidate& candidate = *out.add_candidates();
    candidate.set_backend(BackendName(rule.name, backend.name));
    candidate.set_connections(view.totals.OfBackend({rule.name, backend.name}).connections);
    candidate.set_why_out(WhyOut(rule, backend, said, !reports.empty(), view));
    weights.push_back(candidate.why_out().empty() ? said.weight : 0);
    total += weights.back();
  }
  for (size_t i = 0; i < weights.size() && total > 0; ++i)
    out.mutable_candidates(static_cast<int>(i))
        ->set_share_ratio(static_cast<double>(weights[i]) / static_cast<double>(total));
  for (const UnresolvedBackend& backend : rule.unresolved) {
    Candidate& candidate = *out.add_candidates();
    candidate.set_backend(BackendName(rule.name, backend.name));
    candidate.set_why_out("its name has no address");
  }
  constexpr char kName[] = "backends";
  if (reports.empty()) return Add(kName, kDepends, kNobody, out);
  if (total == 0) return Add(kName, kRefused, "none can take a connection", out);
  Add(kName, kPassed,
      absl::StrCat("chosen by ", ToString(rule.balance.algorithm), " among those with a share"),
      out);
}

// The backend that every worker names, or nothing.
std::string HashedTo(const LiveRule& rule, const ClientReports& reports) {
  std::optional<std::string> same;
  for (const auto& [worker, report] : reports) {
    if (same && *same != report.hashed_to()) return "";
    same = report.hashed_to();
  }
  return !same || same->empty() ? "" : BackendName(rule.name, *same);
}

}  // namespace

ExplainConnectionResponse DescribeConnection(const LiveRule& rule, const Endpoint& client,
                                             const View& view, const ClientReports& reports) {
  ExplainConnectionResponse out;
  const SocketAddress address = client.ToSocketAddress();
  CheckProxy(rule, address, out);
  CheckAccess(rule, address, out);
  CheckRate(rule, reports, out);
  CheckClientLimit(rule, reports, out);
  CheckRuleLimit(rule, view, out);
  CheckBandwidth(rule, reports, out);
  CheckOutliers(rule, view, out);
  out.set_balance(ToString(rule.balance.algorithm));
  AddCandidates(rule, view, reports, out);
  out.set_backend(HashedTo(rule, reports));
  return out;
}

}  // namespace lb::controlplane
