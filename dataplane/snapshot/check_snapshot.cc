#include "dataplane/snapshot/check_snapshot.h"

#include <algorithm>
#include <map>
#include <utility>

#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/endpoint.h"
#include "dataplane/snapshot/balance_tables.h"
#include "dataplane/snapshot/check_tls.h"
#include "dataplane/snapshot/client_tables.h"
#include "dataplane/snapshot/outlier_table.h"
#include "dataplane/snapshot/sni_routes.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane {
namespace {

namespace type = lb::type::v1;
using Kind = Problem::Kind;

// Names go into logs and labels as they are.
std::string NameProblem(const std::string& name) {
  if (name.empty()) return "the name is empty";
  if (name.size() > kMaxNameBytes)
    return absl::StrCat("the name has ", name.size(), " bytes; at most ", kMaxNameBytes);
  const bool bad = std::any_of(name.begin(), name.end(), [](char c) {
    return static_cast<unsigned char>(c) < 0x20 || c == 0x7f || c == '/';
  });
  if (bad) return absl::StrCat("'", absl::CHexEscape(name), "' has a '/' or a control character");
  return "";
}

// Gathers problems, up to kMaxProblems.
class Checker final {
 public:
  std::vector<Problem> Run(const type::Snapshot& snapshot) {
    CheckFeatures(snapshot);
    CheckCounts(snapshot);
    // Counts bound the work below.
    if (problems_.empty()) CheckRules(snapshot);
    if (problems_.empty()) Add(CheckTls(snapshot));
    return std::move(problems_);
  }

 private:
  void Add(Kind kind, std::string path, std::string message) {
    if (problems_.size() < kMaxProblems)
      problems_.push_back({kind, std::move(path), std::move(message)});
  }
  void Add(std::vector<Problem> problems) {
    for (Problem& problem : problems)
      Add(problem.kind, std::move(problem.path), std::move(problem.message));
  }
  void Bad(std::string path, std::string message) {
    Add(Kind::kInvalid, std::move(path), std::move(message));
  }

  void CheckFeatures(const type::Snapshot& snapshot) {
    for (const std::string& feature : snapshot.required_features()) {
      const auto& known = kSupportedFeatures;
      if (std::find(known.begin(), known.end(), feature) == known.end())
        Add(Kind::kMissingFeature, "required_features",
            absl::StrCat("this worker does not know '", absl::CHexEscape(feature), "'"));
    }
  }

  void CheckCounts(const type::Snapshot& snapshot) {
    if (snapshot.rules_size() > kMaxRules)
      Add(Kind::kResourceLimit, "rules",
          absl::StrCat(snapshot.rules_size(), " rules; at most ", kMaxRules));
    int64_t backends = 0;
    for (const type::Rule& rule : snapshot.rules()) backends += rule.backends_size();
    if (backends > kMaxBackends)
      Add(Kind::kResourceLimit, "rules",
          absl::StrCat(backends, " backends over all rules; at most ", kMaxBackends));
    Add(CheckHashRules(snapshot));
    Add(CheckSniCounts(snapshot));
  }

  void CheckRules(const type::Snapshot& snapshot) {
    std::map<Endpoint, std::string> listeners;
    const std::string* previous = nullptr;
    if (snapshot.has_rate_limit()) CheckRateLimit("rate_limit", snapshot.rate_limit());
    CheckAccessLog(snapshot.access_log());
    CheckBandwidth("bandwidth_limit", snapshot.bandwidth_limit());
    for (const type::Rule& rule : snapshot.rules()) {
      const std::string path = absl::StrCat("rules/", absl::CHexEscape(rule.name()));
      CheckName(path, rule.name(), previous);
      previous = &rule.name();
      CheckListen(absl::StrCat(path, "/listen"), rule, listeners);
      CheckSettings(path, rule);
      CheckBackends(path, rule);
    }
  }

  void CheckName(const std::string& path, const std::string& name, const std::string* previous) {
    if (std::string problem = NameProblem(name); !problem.empty())
      Bad(absl::StrCat(path, "/name"), std::move(problem));
    if (previous != nullptr && *previous == name)
      Bad(absl::StrCat(path, "/name"), "the name stands twice");
    else if (previous != nullptr && *previous > name)
      Bad(absl::StrCat(path, "/name"),
          absl::StrCat("not sorted: it stands after '", absl::CHexEscape(*previous), "'"));
  }

  void CheckListen(const std::string& path, const type::Rule& rule,
                   std::map<Endpoint, std::string>& listeners) {
    const auto endpoint = Endpoint::Parse(rule.listen(), Endpoint::PortZero::kAllow);
    if (!endpoint.ok()) return Bad(path, std::string(endpoint.status().message()));
    if (endpoint->kind() != Endpoint::Kind::kIp)
      return Bad(path, absl::StrCat("'", rule.listen(), "' is not an IP address and port"));
    if (endpoint->port() == 0) return;  // Each gets a port of its own.
    const auto [other, fresh] = listeners.emplace(*endpoint, rule.name());
    if (!fresh)
      Bad(path, absl::StrCat("'", rule.listen(), "' is the address of rule '",
                             absl::CHexEscape(other->second), "' too"));
  }

  void CheckSettings(const std::string& path, const type::Rule& rule) {
    CheckTimeout(absl::StrCat(path, "/timeouts/connect_ms"), rule.timeouts().connect_ms());
    CheckTimeout(absl::StrCat(path, "/timeouts/idle_ms"), rule.timeouts().idle_ms());
    CheckTimeout(absl::StrCat(path, "/timeouts/half_close_ms"), rule.timeouts().half_close_ms());
    Add(CheckBalance(path, rule));
    Add(CheckOutlierDetection(path, rule));
    Add(CheckSniRoutes(path, rule));
    if (rule.connect_attempts() < 1 || rule.connect_attempts() > kMaxConnectAttempts)
      Bad(absl::StrCat(path, "/connect_attempts"),
          absl::StrCat(rule.connect_attempts(), " is not in 1..", kMaxConnectAttempts));
    if (rule.drain_timeout_ms() != 0)
      CheckTimeout(absl::StrCat(path, "/drain_timeout_ms"), rule.drain_timeout_ms());
    if (rule.has_queue()) CheckQueue(absl::StrCat(path, "/queue"), rule.queue());
    CheckSources(absl::StrCat(path, "/source_addresses"), rule);
    CheckMade(absl::StrCat(path, "/access"), MakeAccessList(rule).status());
    CheckMade(absl::StrCat(path, "/proxy_protocol"), MakeProxyTable(rule).status());
    if (const uint64_t timeout_ms = rule.proxy_protocol().header_timeout_ms();
        rule.proxy_protocol().accept_from_size() > 0)
      CheckTimeout(absl::StrCat(path, "/proxy_protocol/header_timeout_ms"), timeout_ms);
    if (rule.has_rate_limit()) CheckRateLimit(absl::StrCat(path, "/rate_limit"), rule.rate_limit());
    CheckBandwidth(absl::StrCat(path, "/bandwidth_limit"), rule.bandwidth_limit());
  }

  void CheckMade(std::string path, const absl::Status& status) {
    if (!status.ok()) Bad(std::move(path), std::string(status.message()));
  }

  void CheckAccessLog(const std::string& destination) {
    if (destination.empty() || destination == "stdout" || destination == "stderr") return;
    if (destination[0] == '/' && destination.size() <= kMaxPathBytes &&
        destination.find('\0') == std::string::npos)
      return;
    Bad("access_log", absl::StrCat("'", absl::CHexEscape(destination.substr(0, kMaxNameBytes)),
                                   "' is not stdout, stderr or an absolute path"));
  }

  void CheckBandwidth(const std::string& path, const type::BandwidthLimit& limit) {
    const auto check = [&](const char* of, const type::BandwidthLimit::Rates& rates) {
      if (rates.upload_bytes_per_s() > kMaxBytesPerS ||
          rates.download_bytes_per_s() > kMaxBytesPerS)
        Bad(absl::StrCat(path, "/", of), absl::StrCat("a rate is above ", kMaxBytesPerS));
      const bool no_burst = (rates.upload_bytes_per_s() > 0 && rates.upload_burst_bytes() == 0) ||
                            (rates.download_bytes_per_s() > 0 && rates.download_burst_bytes() == 0);
      if (no_burst) Bad(absl::StrCat(path, "/", of), "a rate has no burst");
    };
    check("client", limit.client());
    check("backend", limit.backend());
  }

  void CheckRateLimit(const std::string& path, const type::RateLimit& limit) {
    if (!type::RateLimit::Enforce_IsValid(limit.enforce()) ||
        limit.enforce() == type::RateLimit::ENFORCE_UNSPECIFIED)
      Bad(absl::StrCat(path, "/enforce"),
          absl::StrCat("this worker does not know ", static_cast<int>(limit.enforce())));
    if (!(limit.rate_per_s() >= 1 && limit.rate_per_s() <= kMaxRatePerS))
      Bad(absl::StrCat(path, "/rate_per_s"),
          absl::StrCat(limit.rate_per_s(), " is not in 1..", kMaxRatePerS));
    if (!(limit.burst() >= 1 && limit.burst() <= kMaxRatePerS))
      Bad(absl::StrCat(path, "/burst"),
          absl::StrCat(limit.burst(), " is not in 1..", kMaxRatePerS));
    if (limit.ipv4_prefix() < 8 || limit.ipv4_prefix() > 32)
      Bad(absl::StrCat(path, "/ipv4_prefix"),
          absl::StrCat(limit.ipv4_prefix(), " is not in 8..32"));
    if (limit.ipv6_prefix() < 16 || limit.ipv6_prefix() > 64)
      Bad(absl::StrCat(path, "/ipv6_prefix"),
          absl::StrCat(limit.ipv6_prefix(), " is not in 16..64"));
    if (limit.max_clients() < 1 || limit.max_clients() > kMaxClients)
      Bad(absl::StrCat(path, "/max_clients"),
          absl::StrCat(limit.max_clients(), " is not in 1..", kMaxClients));
  }

  void CheckQueue(const std::string& path, const type::Queue& queue) {
    if (queue.max() < 1 || queue.max() > kMaxQueue)
      Bad(absl::StrCat(path, "/max"), absl::StrCat(queue.max(), " is not in 1..", kMaxQueue));
    CheckTimeout(absl::StrCat(path, "/timeout_ms"), queue.timeout_ms());
  }

  void CheckSources(const std::string& path, const type::Rule& rule) {
    if (rule.source_addresses_size() > kMaxSources)
      Bad(path, absl::StrCat(rule.source_addresses_size(), " addresses; at most ", kMaxSources));
    for (const std::string& source : rule.source_addresses()) {
      const auto endpoint = Endpoint::FromIp(source, 0);
      if (!endpoint.ok()) Bad(path, std::string(endpoint.status().message()));
    }
  }

  void CheckTimeout(std::string path, uint64_t milliseconds) {
    if (milliseconds < 1 || milliseconds > kMaxTimeoutMs)
      Bad(std::move(path), absl::StrCat(milliseconds, " is not in 1..", kMaxTimeoutMs));
  }

  void CheckBackends(const std::string& rule_path, const type::Rule& rule) {
    const std::string* previous = nullptr;
    for (const type::Backend& backend : rule.backends()) {
      const std::string path =
          absl::StrCat(rule_path, "/backends/", absl::CHexEscape(backend.name()));
      CheckName(path, backend.name(), previous);
      previous = &backend.name();
      const auto endpoint = Endpoint::Parse(backend.address());
      if (!endpoint.ok())
        Bad(absl::StrCat(path, "/address"), std::string(endpoint.status().message()));
      else if (!endpoint->IsResolved())
        Bad(absl::StrCat(path, "/address"),
            absl::StrCat("'", backend.address(), "' is a name; workers only take addresses"));
      if (backend.weight() > kMaxWeight)
        Bad(absl::StrCat(path, "/weight"),
            absl::StrCat(backend.weight(), " is above ", kMaxWeight));
    }
  }

  std::vector<Problem> problems_;
};

}  // namespace

std::vector<Problem> CheckSnapshot(const type::Snapshot& snapshot) {
  return Checker().Run(snapshot);
}

}  // namespace lb::dataplane
