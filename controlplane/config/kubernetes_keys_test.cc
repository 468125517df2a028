// Backends that are the endpoints of a Service: what the keys mean, and what is refused.
#include <string>

#include "absl/strings/str_cat.h"
#include "controlplane/config/load.h"
#include "controlplane/config/test_sources.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

LoadResult LoadWith(const std::string& backends, const std::string& top = "") {
  TestSources sources;
  sources.files["/token"] = sources.files["/ca.pem"] = "";
  return Load(
      absl::StrCat("rules:\n- name: a\n  listen: 127.0.0.1:1\n  backends:", backends, "\n", top),
      sources.Get());
}

// "LINE:COLUMN CODE field: message", line by line.
std::string Findings(const std::string& backends, const std::string& top = "") {
  std::string text;
  for (const Finding& finding : LoadWith(backends, top).findings)
    absl::StrAppend(&text, finding.line, ":", finding.column, " ", finding.code, " ", finding.field,
                    ": ", finding.message, "\n");
  return text;
}

const BackendConfig& Only(const LoadResult& result) {
  EXPECT_EQ(result.findings_total, 0u) << result.findings[0].message;
  EXPECT_EQ(result.config->rules.at(0).backends.size(), 1u);
  return result.config->rules.at(0).backends.at(0);
}

TEST(KubernetesKeysTest, AMapInPlaceOfTheListIsItsOnlyItem) {
  const LoadResult result = LoadWith(" {kubernetes: {service: shop/web, port: http}}");
  const BackendConfig& backend = Only(result);
  EXPECT_EQ(*backend.service, (ServiceRef{"shop", "web", "http"}));
  EXPECT_EQ(backend.name, "shop_web:http");
  EXPECT_EQ(backend.Place(), "shop/web:http");
  EXPECT_EQ(backend.weight, 1u);
  EXPECT_FALSE(backend.IsName());
}

TEST(KubernetesKeysTest, AnItemOfTheListHasItsOtherKeysToo) {
  const LoadResult result = LoadWith(
      "\n  - {kubernetes: {service: shop/web, port: 8080}, name: pods, weight: 3,\n"
      "     max_connections: 7}");
  const BackendConfig& backend = Only(result);
  EXPECT_EQ(*backend.service, (ServiceRef{"shop", "web", "8080"}));
  EXPECT_EQ(backend.name, "pods");
  EXPECT_EQ(backend.weight, 3u);
  EXPECT_EQ(backend.max_connections, 7u);
}

TEST(KubernetesKeysTest, WhereTheApiServerIs) {
  const LoadResult result = LoadWith(
      " [{kubernetes: {service: shop/web, port: http}}]",
      "kubernetes: {api_server: 'https://api.test:6443', token_file: /token, ca_file: /ca.pem}\n");
  Only(result);
  EXPECT_EQ(result.config->kubernetes,
            (KubernetesConfig{"https://api.test:6443", "/token", "/ca.pem"}));
}

TEST(KubernetesKeysTest, MistakesAreFoundWhereTheyStand) {
  EXPECT_EQ(Findings(" {kubernetes: {service: web, port: http}}"),
            "4:36 LB0108 rules[0].backends[0].kubernetes.service: 'web' has no namespace\n");
  EXPECT_EQ(Findings(" {kubernetes: {service: shop/Web, port: http}}"),
            "4:36 LB0108 rules[0].backends[0].kubernetes.service: 'shop/Web' is not "
            "NAMESPACE/NAME, each of lower case letters, digits and '-'\n");
  EXPECT_EQ(Findings(" {kubernetes: {service: shop/web, port: 70000}}"),
            "4:52 LB0108 rules[0].backends[0].kubernetes.port: '70000' is not a port from 1 to "
            "65535\n");
  EXPECT_EQ(Findings(" {kubernetes: {service: shop/web}}"),
            "4:14 LB0107 rules[0].backends[0].kubernetes.port: key 'port' is missing\n");
  EXPECT_EQ(Findings(" {weight: 3}"),
            "4:13 LB0107 rules[0].backends[0].address: key 'address' is missing\n");
  EXPECT_EQ(Findings("\n  - {address: '10.0.0.1:1', kubernetes: {service: shop/web, port: a}}"),
            "5:29 LB0116 rules[0].backends[0].kubernetes: a backend has an address or comes from a "
            "Service, not both\n");
  EXPECT_EQ(Findings("\n  - {kubernetes: {service: shop/web, port: http}}"
                     "\n  - {kubernetes: {service: shop/web, port: http}}"),
            "6:6 LB0114 rules[0].backends[1]: 'shop_web:http' is also the name of "
            "rules[0].backends[0]\n");
}

TEST(KubernetesKeysTest, AUrlIsHttpsUnlessItStaysOnTheHost) {
  const auto with = [](const std::string& url) {
    return Findings(" ['10.0.0.1:1']", absl::StrCat("kubernetes: {api_server: '", url, "'}\n"));
  };
  for (const char* good : {"https://10.0.0.1", "https://[fd00::1]:6443/", "https://api.test",
                           "http://127.0.0.1:8001", "http://[::1]:8001"})
    EXPECT_EQ(with(good), "") << good;
  for (const char* bad :
       {"api.test:6443", "http://10.0.0.1:8001", "https://", "https://a b", "https://api.test/path",
        "https://user@api.test", "https://api.test:0", "https://unix:/run/x", "http://127.test:80"})
    EXPECT_NE(with(bad), "") << bad;
}

}  // namespace
}  // namespace lb::controlplane
