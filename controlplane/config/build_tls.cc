#include "controlplane/config/build_tls.h"

#include <utility>

#include "absl/strings/str_cat.h"
#include "controlplane/config/host_name.h"

namespace lb::controlplane {
namespace {

std::string TextOf(const YamlNode* node) { return node == nullptr ? "" : node->text; }

const YamlNode* GoodValue(const YamlNode& map, std::string_view key) {
  const YamlNode* node = map.Find(key);
  return node != nullptr && node->valid ? node : nullptr;
}

std::vector<std::string> GoodTexts(const YamlNode* list) {
  std::vector<std::string> texts;
  if (list == nullptr) return texts;
  texts.reserve(list->children.size());
  for (const YamlNode& item : list->children)
    if (item.valid) texts.push_back(item.text);
  return texts;
}

TlsVersion MinVersion(const SectionView& section) {
  return section.Text("min_version") == "1.3" ? TlsVersion::k13 : TlsVersion::k12;
}

TlsConfig::ClientAuth ClientAuthOf(const SectionView& tls) {
  using enum TlsConfig::ClientAuth;
  const YamlNode* said = tls.Value("client_auth");
  if (said == nullptr) return tls.Value("client_ca") == nullptr ? kNone : kRequire;
  return said->text == "require" ? kRequire : said->text == "request" ? kRequest : kNone;
}

std::string HostName(const YamlNode* node) {
  return node == nullptr ? "" : CanonicalHostName(node->text);
}

}  // namespace

std::vector<PairPlace> PairsOf(const SectionView& tls) {
  std::vector<PairPlace> pairs;
  const PairPlace own{
      tls.Value("cert"), tls.Value("key"),
      tls.SaysItself("cert") && !tls.SaysItself("ocsp") ? nullptr : tls.Value("ocsp"), ""};
  if (own.cert != nullptr && own.key != nullptr) {
    pairs.push_back(own);
    pairs.back().field = tls.Field();
  }
  const YamlNode* list = tls.Find("certificates");
  if (list == nullptr || list->kind != YamlNode::Kind::kList) return pairs;
  const std::string field = tls.FieldOf("certificates");
  for (size_t i = 0; i < list->children.size(); ++i) {
    const YamlNode& item = list->children[i];
    const PairPlace pair{GoodValue(item, "cert"), GoodValue(item, "key"), GoodValue(item, "ocsp"),
                         absl::StrCat(field, "[", i, "]")};
    if (pair.cert != nullptr && pair.key != nullptr) pairs.push_back(pair);
  }
  return pairs;
}

TlsConfig BuildTls(const SectionView& tls) {
  TlsConfig config;
  for (const PairPlace& pair : PairsOf(tls))
    config.certificates.push_back({pair.cert->text, pair.key->text, TextOf(pair.ocsp)});
  config.strict_sni = tls.IsTrue("strict_sni");
  config.min_version = MinVersion(tls);
  config.alpn = GoodTexts(tls.Find("alpn"));
  config.client_auth = ClientAuthOf(tls);
  if (config.client_auth == TlsConfig::ClientAuth::kNone) return config;
  config.client_ca = tls.Text("client_ca");
  config.client_crl = tls.Text("client_crl");
  return config;
}

BackendTlsConfig BuildBackendTls(const SectionView& backend_tls) {
  BackendTlsConfig config;
  config.ignore_verify = backend_tls.IsTrue("ignore_verify");
  if (!config.ignore_verify) {
    config.ca = backend_tls.Text("ca");
    config.crl = backend_tls.Text("crl");
  }
  config.server_name = HostName(backend_tls.Value("server_name"));
  config.pass_sni = backend_tls.IsTrue("pass_sni");
  config.cert = backend_tls.Text("cert");
  config.key = backend_tls.Text("key");
  config.min_version = MinVersion(backend_tls);
  config.alpn = GoodTexts(backend_tls.Find("alpn"));
  return config;
}

std::vector<SniRouteConfig> BuildSniRoutes(const YamlNode* list) {
  std::vector<SniRouteConfig> routes;
  if (list == nullptr) return routes;
  routes.reserve(list->children.size());
  for (const YamlNode& item : list->children) {
    SniRouteConfig& route = routes.emplace_back();
    for (const std::string& name : GoodTexts(item.Find("names")))
      route.names.push_back(CanonicalHostName(name));
  }
  return routes;
}

std::optional<CheckTlsConfig> BuildCheckTls(const SectionView& health_check,
                                            const RuleConfig& rule) {
  const HealthCheckConfig& check = rule.health_check;
  const SectionView section = health_check.Within("tls");
  const bool as_connections = rule.backend_tls.has_value() && !check.port.has_value();
  const bool on = check.protocol == HealthCheckConfig::Protocol::kTls ||
                  (section.present() ? section.on() : as_connections);
  if (!on) return std::nullopt;
  CheckTlsConfig tls{.server_name = HostName(section.Value("server_name"))};
  tls.ignore_verify = section.IsTrue("ignore_verify");
  if (section.Says("ca") && !tls.ignore_verify) tls.ca = section.Text("ca");
  return tls;
}

}  // namespace lb::controlplane
