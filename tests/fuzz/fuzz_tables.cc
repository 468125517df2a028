// BuildTables on any bytes: tables or problems, never both; tables keep every promise the I/O
// threads rely on; the same bytes again give the same rules.

#include <algorithm>
#include <cstdint>
#include <string_view>

#include "base/check.h"
#include "dataplane/snapshot/build_tables.h"

namespace {

using lb::dataplane::BackendTable;
using lb::dataplane::BuildTables;
using lb::dataplane::BuiltTables;
using lb::dataplane::RuleTable;
using lb::dataplane::Tables;

bool IsTimeout(uint64_t milliseconds) {
  return milliseconds >= 1 && milliseconds <= lb::dataplane::kMaxTimeoutMs;
}

void CheckRule(const RuleTable& rule) {
  LB_CHECK(!rule.name.empty() && rule.state != nullptr && rule.state->name == rule.name);
  LB_CHECK(rule.listen.kind() == lb::Endpoint::Kind::kIp);
  LB_CHECK(IsTimeout(rule.connect_timeout_ms) && IsTimeout(rule.idle_timeout_ms));
  LB_CHECK(IsTimeout(rule.half_close_timeout_ms));
  LB_CHECK(rule.connect_attempts >= 1);
  LB_CHECK(rule.connect_attempts <= lb::dataplane::kMaxConnectAttempts);
  const BackendTable* previous = nullptr;
  for (const BackendTable& backend : rule.backends) {
    LB_CHECK(previous == nullptr || previous->name < backend.name);
    LB_CHECK(backend.weight <= lb::dataplane::kMaxWeight);
    LB_CHECK(backend.endpoint.IsResolved() && backend.address.length > 0);
    LB_CHECK(backend.state != nullptr && backend.state->name == backend.name);
    previous = &backend;
  }
}

// Each backend is one of exactly one route, and each name leads to a route.
void CheckRoutes(const RuleTable& rule) {
  if (rule.sni == nullptr) return;
  LB_CHECK(IsTimeout(rule.client_hello_timeout_ms));
  LB_CHECK(rule.sni->routes.size() == rule.sni->first_names.size());
  size_t backends = 0;
  for (size_t i = 0; i < rule.sni->routes.size(); ++i) {
    const RuleTable& route = *rule.sni->routes[i];
    CheckRule(route);
    LB_CHECK(route.sni == nullptr && route.route->name == rule.sni->first_names[i]);
    for (const BackendTable& backend : route.backends) {
      LB_CHECK(backend.sni_route == i && !route.HasMoved(backend));
      ++backends;
    }
  }
  LB_CHECK(backends == rule.backends.size());
  for (const auto& [name, number] : rule.sni->names)
    LB_CHECK(number > 0 && number < rule.sni->routes.size());
}

void CheckTables(const Tables& tables) {
  for (size_t i = 0; i < tables.rules.size(); ++i) {
    LB_CHECK(i == 0 || tables.rules[i - 1]->name < tables.rules[i]->name);
    CheckRule(*tables.rules[i]);
    CheckRoutes(*tables.rules[i]);
  }
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view bytes(reinterpret_cast<const char*>(data), size);
  lb::dataplane::StateRegistry registry(1);
  const BuiltTables built = BuildTables(bytes, nullptr, registry, lb::Instant());
  LB_CHECK((built.tables == nullptr) == !built.problems.empty());
  LB_CHECK(built.problems.size() <= lb::dataplane::kMaxProblems);
  if (built.tables == nullptr) {
    LB_CHECK(registry.rules().empty() && registry.backends().empty());
    return 0;
  }
  registry.Committed(*built.tables);
  CheckTables(*built.tables);
  const BuiltTables again = BuildTables(bytes, built.tables.get(), registry, lb::Instant());
  LB_CHECK(again.tables != nullptr && again.tables->rules == built.tables->rules);
  return 0;
}
