#include "controlplane/shell/probe_tls.h"

#include <memory>

#include "controlplane/shell/test_certificates.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

ProbeTls TlsWith(TlsMaterial material, BackendTlsConfig settings) {
  return {std::make_shared<TlsMaterial>(std::move(material)),
          std::make_shared<BackendTlsConfig>(std::move(settings)), "web.internal"};
}

TEST(ProbeTlsContextsTest, ContextsOfTheSameContentAreShared) {
  const TestAuthority authority("A");
  TlsMaterial material;
  material.bundles["a.pem"] = material.bundles["same.pem"] = BundleOf(authority);
  ProbeTlsContexts contexts;
  EXPECT_TRUE(contexts.NewSsl(TlsWith(material, {.ca = "a.pem"})).ok());
  EXPECT_TRUE(contexts.NewSsl(TlsWith(material, {.ca = "same.pem", .alpn = {"x"}})).ok());
  EXPECT_EQ(contexts.contexts(), 1u);
  EXPECT_TRUE(
      contexts.NewSsl(TlsWith(material, {.ca = "a.pem", .min_version = TlsVersion::k13})).ok());
  EXPECT_EQ(contexts.contexts(), 2u);
  EXPECT_EQ(contexts.stores(), 1u);
}

TEST(ProbeTlsContextsTest, HoweverManySettingsThereAreFewAreKept) {
  const TestAuthority authority("A");
  TlsMaterial material;
  ProbeTlsContexts contexts;
  for (size_t i = 0; i < 2 * ProbeTlsContexts::kMaxContexts; ++i) {
    material.bundles["a.pem"] = BundleOf(authority);
    material.bundles["a.pem"].id = std::to_string(i);
    EXPECT_TRUE(contexts.NewSsl(TlsWith(material, {.ca = "a.pem"})).ok());
  }
  EXPECT_EQ(contexts.contexts(), ProbeTlsContexts::kMaxContexts);
  EXPECT_EQ(contexts.stores(), ProbeTlsContexts::kMaxStores);
}

TEST(ProbeTlsContextsTest, AKeyThatIsNotThatOfTheCertificateIsRefused) {
  const TestAuthority authority("A");
  TlsMaterial material;
  CertificatePair& pair = material.pairs[{"a.crt", "a.key", ""}];
  pair = PairOf(authority.Issue({}));
  pair.key_der = authority.Issue({}).KeyDer();
  ProbeTlsContexts contexts;
  const auto ssl =
      contexts.NewSsl(TlsWith(material, {.ignore_verify = true, .cert = "a.crt", .key = "a.key"}));
  EXPECT_EQ(ssl.status().message(), "certificate of a.crt cannot be used");
}

}  // namespace
}  // namespace lb::controlplane
