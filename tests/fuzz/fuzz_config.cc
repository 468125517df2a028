// Load on any bytes: it ends with a configuration or with findings, and what it says holds
// together.

#include <set>
#include <string>
#include <string_view>

#include "base/check.h"
#include "controlplane/config/load.h"

namespace {

using lb::controlplane::Config;
using lb::controlplane::Finding;
using lb::controlplane::LoadResult;
using lb::controlplane::RuleConfig;
using lb::controlplane::Sources;

Sources FewSources() {
  return {.get_env = [](const std::string& name) -> std::optional<std::string> {
            if (name == "HOST") return "10.0.0.1:80";
            if (name == "N") return "7";
            if (name == "EMPTY") return "";
            if (name == "BAD") return "\xFF\n";
            return std::nullopt;
          },
          .read_file = [](const std::string& path) -> absl::StatusOr<std::string> {
            if (path == "/key") return "secret\n";
            return absl::NotFoundError("no such file");
          }};
}

void CheckFindings(const LoadResult& result) {
  LB_CHECK(result.findings.size() <= lb::controlplane::kMaxFindings);
  LB_CHECK(result.findings.size() <= result.findings_total);
  bool has_error = false;
  std::pair<uint32_t, uint32_t> last{0, 0};
  for (const Finding& finding : result.findings) {
    if (finding.severity == Finding::Severity::kError) has_error = true;
    LB_CHECK(finding.code.size() == 6 && !finding.message.empty());
    LB_CHECK((finding.line == 0) == (finding.column == 0));
    LB_CHECK(last <= std::make_pair(finding.line, finding.column));
    last = {finding.line, finding.column};
  }
  LB_CHECK(result.config.has_value() != has_error);
}

void CheckTls(const RuleConfig& rule) {
  LB_CHECK(!rule.tls || rule.sni_routes.empty());
  LB_CHECK(!rule.tls || !rule.tls->certificates.empty());
  LB_CHECK(!rule.tls || (rule.tls->client_auth == lb::controlplane::TlsConfig::ClientAuth::kNone) ==
                            rule.tls->client_ca.empty());
  LB_CHECK(!rule.backend_tls || rule.backend_tls->cert.empty() == rule.backend_tls->key.empty());
  std::set<std::string> names;
  for (const auto& route : rule.sni_routes) {
    LB_CHECK(!route.names.empty());
    for (const std::string& name : route.names)
      LB_CHECK(!name.empty() && name.size() <= 253 && names.insert(name).second);
  }
  for (const auto& backend : rule.backends) LB_CHECK(backend.sni_route <= rule.sni_routes.size());
}

// What holders of a Config rely on without looking.
void CheckConfig(const Config& config) {
  std::set<std::string> rules;
  std::set<lb::Endpoint> listeners;
  for (const RuleConfig& rule : config.rules) {
    LB_CHECK(!rule.name.empty() && rules.insert(rule.name).second);
    LB_CHECK(rule.listen.kind() == lb::Endpoint::Kind::kIp && rule.listen.port() > 0);
    LB_CHECK(listeners.insert(rule.listen).second);
    LB_CHECK(rule.connect_attempts >= 1 && rule.connect_attempts <= 10);
    LB_CHECK(rule.max_connections != 0u && rule.source.size() <= 64);
    LB_CHECK(!rule.queue || (rule.queue->max >= 1 && rule.queue->timeout.count() >= 1));
    for (const lb::Endpoint& source : rule.source)
      LB_CHECK(source.kind() == lb::Endpoint::Kind::kIp && source.port() == 0);
    LB_CHECK(rule.timeouts.connect.count() >= 1 && rule.timeouts.idle.count() >= 1);
    LB_CHECK(rule.health_check.interval.count() >= 1 && rule.health_check.timeout.count() >= 1);
    LB_CHECK(rule.health_check.rise >= 1 && rule.health_check.fall >= 1);
    std::set<std::string> backends;
    for (const auto& backend : rule.backends) {
      LB_CHECK(!backend.name.empty() && backends.insert(backend.name).second);
      LB_CHECK(backend.weight <= 65'535 && backend.max_connections != 0u);
      LB_CHECK(!backend.address.host().empty());
    }
    CheckTls(rule);
  }
}

}  // namespace

// libfyaml 0.7.12 loses a few bytes on some syntax errors. Our own use of it is checked for leaks
// by the unit tests under --config=asan.
extern "C" const char* __lsan_default_suppressions() { return "leak:libfyaml.so"; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  const LoadResult result = lb::controlplane::Load(text, FewSources());
  CheckFindings(result);
  if (result.config.has_value()) CheckConfig(*result.config);
  const std::string rendered = lb::controlplane::RenderFindings("lb.yaml", text, result);
  LB_CHECK(rendered.empty() == result.findings.empty());
  return 0;
}
