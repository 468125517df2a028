#include "dataplane/snapshot/sni_routes.h"

#include <set>
#include <string_view>
#include <utility>

#include "absl/strings/ascii.h"
#include "absl/strings/escaping.h"
#include "absl/strings/str_cat.h"
#include "base/endpoint.h"
#include "dataplane/snapshot/balance_tables.h"
#include "dataplane/snapshot/same_rule.h"
#include "lb/type/v1/snapshot.pb.h"

namespace lb::dataplane {
namespace {

namespace type = lb::type::v1;

constexpr std::string_view kWildcard = "*.";
constexpr size_t kMaxLabelBytes = 63;        // RFC 1035 section 3.1.
constexpr size_t kMaxServerNameBytes = 253;  // Of a host name as text, RFC 1035 section 3.1.

bool IsLabel(std::string_view label) {
  if (label.empty() || label.size() > kMaxLabelBytes) return false;
  for (const char c : label) {
    const bool known = absl::ascii_islower(static_cast<unsigned char>(c)) ||
                       absl::ascii_isdigit(static_cast<unsigned char>(c)) || c == '-' || c == '_';
    if (!known) return false;
  }
  return true;
}

bool IsWildcard(std::string_view name) { return name.substr(0, kWildcard.size()) == kWildcard; }

bool IsServerName(std::string_view name) {
  if (IsWildcard(name)) name.remove_prefix(kWildcard.size());
  if (name.size() > kMaxServerNameBytes || Endpoint::FromIp(name, 0).ok()) return false;
  for (;;) {
    const size_t dot = name.find('.');
    if (!IsLabel(name.substr(0, dot))) return false;
    if (dot == std::string_view::npos) return true;
    name.remove_prefix(dot + 1);
  }
}

// As SniTable::names has it.
std::string KeyOf(const std::string& name) { return IsWildcard(name) ? name.substr(1) : name; }

// The table of the route of that first name, or nullptr.
std::shared_ptr<const RuleTable> FindRoute(const RuleTable* rule, const std::string& name) {
  if (rule == nullptr || rule->sni == nullptr) return nullptr;
  const uint32_t number = name.empty() ? 0 : [&] {
    const auto known = rule->sni->names.find(KeyOf(name));
    return known == rule->sni->names.end() ? 0 : known->second;
  }();
  return rule->sni->first_names[number] == name ? rule->sni->routes[number] : nullptr;
}

}  // namespace

std::vector<Problem> CheckSniCounts(const type::Snapshot& snapshot) {
  int64_t routes = 0;
  int64_t names = 0;
  for (const type::Rule& rule : snapshot.rules()) {
    routes += rule.sni_routes_size();
    for (const type::SniRoute& route : rule.sni_routes()) names += route.names_size();
  }
  std::vector<Problem> problems;
  const auto bound = [&](int64_t count, int64_t most, const char* what) {
    if (count > most)
      problems.push_back({Problem::Kind::kResourceLimit, "rules",
                          absl::StrCat(count, " ", what, " over all rules; at most ", most)});
  };
  bound(routes, kMaxSniRoutes, "SNI routes");
  bound(names, kMaxSniNames, "names of SNI routes");
  return problems;
}

std::vector<Problem> CheckSniRoutes(const std::string& path, const type::Rule& rule) {
  std::vector<Problem> problems;
  const auto bad = [&](std::string at, std::string message) {
    problems.push_back({Problem::Kind::kInvalid, absl::StrCat(path, at), std::move(message)});
  };
  for (const type::Backend& backend : rule.backends()) {
    if (backend.sni_route() > static_cast<uint32_t>(rule.sni_routes_size()))
      bad(absl::StrCat("/backends/", absl::CHexEscape(backend.name()), "/sni_route"),
          absl::StrCat(backend.sni_route(), " is above ", rule.sni_routes_size()));
  }
  if (rule.sni_routes_size() == 0) return problems;
  if (rule.sni_routes_size() > kMaxSniRoutesOfRule)
    return {{Problem::Kind::kResourceLimit, absl::StrCat(path, "/sni_routes"),
             absl::StrCat(rule.sni_routes_size(), " routes; at most ", kMaxSniRoutesOfRule)}};
  if (rule.has_tls()) bad("/sni_routes", "the rule ends TLS itself");
  if (rule.client_hello_timeout_ms() < 1 || rule.client_hello_timeout_ms() > kMaxTimeoutMs)
    bad("/client_hello_timeout_ms",
        absl::StrCat(rule.client_hello_timeout_ms(), " is not in 1..", kMaxTimeoutMs));
  std::set<std::string_view> known;
  for (int i = 0; i < rule.sni_routes_size(); ++i) {
    const std::string at = absl::StrCat("/sni_routes/", i, "/names");
    if (rule.sni_routes(i).names_size() == 0) bad(at, "there is none");
    for (const std::string& name : rule.sni_routes(i).names()) {
      if (!IsServerName(name))
        bad(at, absl::StrCat("'", absl::CHexEscape(name.substr(0, kMaxNameBytes)),
                             "' is not a lower-case host name"));
      else if (!known.insert(name).second)
        bad(at, absl::StrCat("'", name, "' stands twice"));
    }
  }
  return problems;
}

std::shared_ptr<SniTable> MakeSniTable(const type::Rule& rule) {
  if (rule.sni_routes_size() == 0) return nullptr;
  auto sni = std::make_shared<SniTable>();
  sni->first_names.emplace_back();
  for (const type::SniRoute& route : rule.sni_routes()) {
    const auto number = static_cast<uint32_t>(sni->first_names.size());
    sni->first_names.push_back(route.names(0));
    for (const std::string& name : route.names()) sni->names.emplace(KeyOf(name), number);
  }
  return sni;
}

void FinishRoutes(RuleTable& rule, std::shared_ptr<SniTable> sni, const RuleTable* old,
                  Instant now) {
  if (sni == nullptr) return;
  // The settings of the rule, without its backends: there may be many, and many routes.
  std::vector<BackendTable> backends = std::exchange(rule.backends, {});
  std::vector<RuleTable> routes(sni->first_names.size(), rule);
  rule.backends = std::move(backends);
  for (const BackendTable& backend : rule.backends)
    routes[backend.sni_route].backends.push_back(backend);
  for (size_t i = 0; i < routes.size(); ++i) {
    RuleTable& route = routes[i];
    route.sni = nullptr;
    route.route = rule.state->routes.FindOrMake(sni->first_names[i]);
    std::shared_ptr<const RuleTable> before = FindRoute(old, sni->first_names[i]);
    if (before == nullptr || !SameRule(*before, route)) {
      FinishBalance(route, before.get(), now);
      before = std::make_shared<const RuleTable>(std::move(route));
    }
    sni->routes.push_back(std::move(before));
  }
  rule.sni = std::move(sni);
}

}  // namespace lb::dataplane
