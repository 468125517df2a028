#include "controlplane/tls/load_material.h"

#include <cstdint>
#include <map>
#include <optional>
#include <string>

#include "base/test_certificate.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using testing::HasSubstr;
using Part = MaterialProblem::Part;

constexpr int64_t kNow = TestCertificate::kNowS;

class LoadMaterialTest : public testing::Test {
 protected:
  LoadMaterialTest() {
    Put("/a", cert_);
    files_["/ca"] = cert_.CertPem();
    files_["/crl"] = cert_.CrlPem(kNow - 1, kNow + 1);
    files_["/etc/ssl/certs/ca-certificates.crt"] = cert_.CertPem();
    config_.rules.resize(1);
  }

  void Put(const std::string& name, const TestCertificate& cert) {
    files_[name + ".crt"] = cert.CertPem();
    files_[name + ".key"] = cert.KeyPem();
  }

  static CertificateFiles Pair(const std::string& name) {
    return {name + ".crt", name + ".key", ""};
  }

  MaterialResult Load(std::shared_ptr<const TlsMaterial> in_force = nullptr,
                      bool at_start = false) {
    MaterialSources sources;
    sources.read_file = [this](const std::string& path) -> absl::StatusOr<std::string> {
      const auto at = files_.find(path);
      if (at == files_.end()) return absl::NotFoundError("No such file or directory");
      return at->second;
    };
    sources.read_mode = [this](const std::string&) { return mode_; };
    sources.now = WallTime(std::chrono::seconds(kNow));
    sources.in_force = std::move(in_force);
    sources.at_start = at_start;
    return LoadMaterial(config_, sources);
  }

  RuleConfig& rule() { return config_.rules[0]; }

  const TestCertificate cert_ = TestCertificate::Make({.name = "a", .authority = true});
  std::map<std::string, std::string> files_;
  Config config_;
  std::optional<uint32_t> mode_;
};

TEST_F(LoadMaterialTest, EachFileIsReadForWhatItIsNamedFor) {
  rule().tls = TlsConfig{.certificates = {Pair("/a")}, .client_ca = "/ca", .client_crl = "/crl"};
  rule().backend_tls =
      BackendTlsConfig{.ca = "/ca", .crl = "/crl", .cert = "/a.crt", .key = "/a.key"};
  const MaterialResult result = Load();
  EXPECT_TRUE(result.problems.empty());
  EXPECT_EQ(result.material->pairs.count(Pair("/a")), 1u);
  EXPECT_EQ(result.material->bundles.count("/ca"), 1u);
  EXPECT_EQ(result.material->revocations.count("/crl"), 1u);
}

TEST_F(LoadMaterialTest, ListsOfNoneOfTheAuthoritiesAreRefused) {
  const TestCertificate other = TestCertificate::Make({.name = "other", .authority = true});
  // Another key of the same name is another authority.
  const TestCertificate namesake = TestCertificate::Make({.name = "a", .authority = true});
  for (const TestCertificate* one : {&other, &namesake}) {
    files_["/crl"] = one->CrlPem(kNow - 1, kNow + 1);
    rule().tls = TlsConfig{.certificates = {}, .client_ca = "/ca", .client_crl = "/crl"};
    rule().backend_tls.reset();
    const MaterialResult clients = Load();
    ASSERT_EQ(clients.problems.size(), 1u);
    EXPECT_TRUE(clients.has_error());
    EXPECT_EQ(clients.problems[0].code, "LB0136");
    EXPECT_EQ(clients.problems[0].file, "/crl");
    EXPECT_THAT(clients.problems[0].message, HasSubstr("such as CN=a"));
    // At a start the rule is left out for it.
    EXPECT_TRUE(clients.material->revocations.empty());
    rule().tls.reset();
    rule().backend_tls = BackendTlsConfig{.crl = "/crl"};
    EXPECT_TRUE(Load().has_error());
  }
}

TEST_F(LoadMaterialTest, AuthoritiesWithoutAListAreNamed) {
  const TestCertificate root = TestCertificate::Make({.name = "root", .authority = true});
  const TestCertificate below = TestCertificate::Make({.name = "below", .authority = true}, &root);
  const TestCertificate pinned = TestCertificate::Make({.name = "pinned"}, &root);
  files_["/ca"] = cert_.CertPem() + root.CertPem() + pinned.CertPem();
  rule().tls = TlsConfig{.certificates = {}, .client_ca = "/ca", .client_crl = "/crl"};
  const MaterialResult some = Load();
  ASSERT_EQ(some.problems.size(), 1u);
  EXPECT_FALSE(some.has_error());
  EXPECT_EQ(some.problems[0].code, "LB0244");
  EXPECT_THAT(some.problems[0].message, HasSubstr("no list of CN=root:"));
  EXPECT_EQ(some.material->revocations.count("/crl"), 1u);
  for (const TestCertificate* one : {&root, &below})
    files_["/crl"] += one->CrlPem(kNow - 1, kNow + 1);
  EXPECT_TRUE(Load().problems.empty());
  // Certificates that are taken for themselves sign no lists.
  files_["/ca"] = pinned.CertPem();
  EXPECT_TRUE(Load().problems.empty());
}

TEST_F(LoadMaterialTest, AListIsComparedWithEachFileOfAuthoritiesOnce) {
  files_["/ca2"] = TestCertificate::Make({.name = "b", .authority = true}).CertPem();
  config_.rules.resize(4);
  for (size_t i = 0; i < 4; ++i)
    config_.rules[i].tls = TlsConfig{
        .certificates = {}, .client_ca = i % 2 == 0 ? "/ca" : "/ca2", .client_crl = "/crl"};
  const MaterialResult result = Load();
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_EQ(result.problems[0].authorities, "/ca2");
}

TEST_F(LoadMaterialTest, AKeyThatOthersMayUseIsAWarning) {
  rule().tls = TlsConfig{.certificates = {Pair("/a")}};
  for (const uint32_t mode : {0100600u, 0100640u, 0100400u}) {
    mode_ = mode;
    EXPECT_TRUE(Load().problems.empty()) << mode;
  }
  for (const uint32_t mode : {0100644u, 0100660u, 0100601u}) {
    mode_ = mode;
    const MaterialResult result = Load();
    ASSERT_EQ(result.problems.size(), 1u) << mode;
    EXPECT_FALSE(result.has_error());
    EXPECT_EQ(result.problems[0].code, "LB0246");
    EXPECT_EQ(result.problems[0].file, "/a.key");
    EXPECT_EQ(result.material->pairs.size(), 1u);
  }
}

TEST_F(LoadMaterialTest, BackendsWithoutAuthoritiesOfTheirOwnAreVerifiedByTheSystems) {
  rule().backend_tls.emplace();
  EXPECT_EQ(Load().material->bundles.count(""), 1u);
  rule().backend_tls->ignore_verify = true;
  EXPECT_TRUE(Load().material->bundles.empty());
  rule().backend_tls.reset();
  rule().health_check.enabled = true;
  rule().health_check.tls.emplace();
  EXPECT_EQ(Load().material->bundles.count(""), 1u);
  files_.erase("/etc/ssl/certs/ca-certificates.crt");
  const MaterialResult missing = Load();
  ASSERT_EQ(missing.problems.size(), 1u);
  EXPECT_EQ(missing.problems[0].part, Part::kAuthorities);
}

TEST_F(LoadMaterialTest, ExpiredAuthoritiesAreToldOfUnlessTheyAreTheSystems) {
  const TestCertificate old =
      TestCertificate::Make({.name = "old", .authority = true, .end_s = kNow - 1});
  rule().backend_tls = BackendTlsConfig{};
  files_["/etc/ssl/certs/ca-certificates.crt"] += old.CertPem();
  EXPECT_TRUE(Load().problems.empty());
  files_["/ca"] += old.CertPem();
  rule().backend_tls->ca = "/ca";
  const MaterialResult own = Load();
  ASSERT_EQ(own.problems.size(), 1u);
  EXPECT_EQ(own.problems[0].code, "LB0243");
}

TEST_F(LoadMaterialTest, EveryProblemIsToldInOnePassWithItsFile) {
  rule().tls = TlsConfig{.certificates = {Pair("/a"), Pair("/b"), Pair("/c")},
                         .client_auth = TlsConfig::ClientAuth::kRequire,
                         .client_ca = "/bad_ca",
                         .client_crl = "/bad_crl"};
  Put("/b", cert_);
  files_["/b.key"] = TestCertificate::Make({}).KeyPem();
  files_["/bad_ca"] = files_["/bad_crl"] = "nothing";
  const MaterialResult result = Load();
  EXPECT_TRUE(result.has_error());
  ASSERT_EQ(result.problems.size(), 5u);
  EXPECT_EQ(result.problems[0].file, "/b.key");
  EXPECT_EQ(result.problems[0].pair, Pair("/b"));
  EXPECT_EQ(result.problems[1].file, "/c.crt");
  EXPECT_THAT(result.problems[1].message, HasSubstr("cannot be read"));
  EXPECT_EQ(result.problems[2].file, "/c.key");
  EXPECT_EQ(result.problems[3].file, "/bad_ca");
  EXPECT_EQ(result.problems[4].file, "/bad_crl");
  // What is good is there all the same.
  EXPECT_EQ(result.material->pairs.size(), 1u);
}

TEST_F(LoadMaterialTest, WhatExpiredInForceIsAWarningAndWhatIsNewIsNot) {
  rule().tls = TlsConfig{.certificates = {Pair("/old")}};
  Put("/old", TestCertificate::Make({.end_s = kNow + 1}));
  const auto in_force = Load().material;
  ASSERT_EQ(in_force->pairs.size(), 1u);
  const TestCertificate expired = TestCertificate::Make({.end_s = kNow});
  Put("/old", expired);
  EXPECT_TRUE(Load().has_error());
  EXPECT_EQ(*Load(in_force).material, *in_force);
  const MaterialResult at_start = Load(nullptr, true);
  EXPECT_FALSE(at_start.has_error());
  EXPECT_EQ(at_start.problems.size(), 1u);
  const MaterialResult again = Load(at_start.material);
  EXPECT_FALSE(again.has_error());
  EXPECT_EQ(again.problems.size(), 1u);
  EXPECT_EQ(*again.material, *at_start.material);
}

TEST_F(LoadMaterialTest, ABadFileLeavesWhatIsInForceAndHoldsUpNoOtherOne) {
  rule().tls =
      TlsConfig{.certificates = {Pair("/a"), Pair("/b")}, .client_ca = "/ca", .client_crl = "/crl"};
  Put("/b", cert_);
  const auto in_force = Load().material;
  files_["/a.crt"] = files_["/ca"] = files_["/crl"] = "nothing";
  const TestCertificate renewed = TestCertificate::Make({.name = "renewed"});
  Put("/b", renewed);
  const MaterialResult result = Load(in_force);
  EXPECT_FALSE(result.has_error());
  ASSERT_EQ(result.problems.size(), 3u);
  for (const MaterialProblem& problem : result.problems) EXPECT_TRUE(problem.old_stays);
  EXPECT_EQ(result.material->pairs.at(Pair("/a")), in_force->pairs.at(Pair("/a")));
  EXPECT_EQ(result.material->bundles, in_force->bundles);
  EXPECT_EQ(result.material->revocations, in_force->revocations);
  EXPECT_EQ(result.material->pairs.at(Pair("/b")).facts.subject, "CN=renewed");
}

TEST_F(LoadMaterialTest, ListsAndAuthoritiesThatNoLongerGoTogetherBothStay) {
  rule().tls = TlsConfig{.certificates = {Pair("/a")}, .client_ca = "/ca", .client_crl = "/crl"};
  const auto in_force = Load().material;
  const TestCertificate other = TestCertificate::Make({.name = "other", .authority = true});
  const TestCertificate renewed = TestCertificate::Make({.name = "renewed"});
  Put("/a", renewed);
  for (const char* file : {"/crl", "/ca"}) {
    const std::string before = files_[file];
    files_[file] = file == std::string("/ca") ? other.CertPem() : other.CrlPem(kNow - 1, kNow + 1);
    const MaterialResult result = Load(in_force);
    EXPECT_FALSE(result.has_error()) << file;
    ASSERT_EQ(result.problems.size(), 1u) << file;
    EXPECT_TRUE(result.problems[0].old_stays) << file;
    EXPECT_EQ(result.material->bundles, in_force->bundles) << file;
    EXPECT_EQ(result.material->revocations, in_force->revocations) << file;
    EXPECT_EQ(result.material->pairs.at(Pair("/a")).facts.subject, "CN=renewed") << file;
    files_[file] = before;
  }
  // Both at once go together again.
  files_["/ca"] = other.CertPem();
  files_["/crl"] = other.CrlPem(kNow - 1, kNow + 1);
  const MaterialResult both = Load(in_force);
  EXPECT_TRUE(both.problems.empty());
  EXPECT_NE(both.material->bundles, in_force->bundles);
}

TEST_F(LoadMaterialTest, AFileThatIsNewlyNamedMustBeGood) {
  rule().tls = TlsConfig{.certificates = {Pair("/a")}};
  const auto in_force = Load().material;
  rule().tls->certificates = {{"/a.crt", "/other.key", ""}};
  const MaterialResult result = Load(in_force);
  EXPECT_TRUE(result.has_error());
  EXPECT_TRUE(result.material->pairs.empty());
}

TEST_F(LoadMaterialTest, AResponseThatCannotBeReadIsNotStapled) {
  const CertificateFiles files{"/a.crt", "/a.key", "/a.ocsp"};
  rule().tls = TlsConfig{.certificates = {files}};
  const MaterialResult result = Load();
  EXPECT_FALSE(result.has_error());
  ASSERT_EQ(result.problems.size(), 1u);
  EXPECT_EQ(result.problems[0].code, "LB0241");
  EXPECT_EQ(result.problems[0].file, "/a.ocsp");
  EXPECT_EQ(result.material->pairs.count(files), 1u);
}

TEST_F(LoadMaterialTest, MoreCertificatesThanWorkersTakeAreRefused) {
  rule().tls.emplace();
  for (size_t i = 0; i <= kMaxPairs; ++i)
    rule().tls->certificates.push_back({std::to_string(i), "/a.key", ""});
  const MaterialResult result = Load();
  ASSERT_TRUE(result.has_error());
  EXPECT_THAT(result.problems.back().message, HasSubstr("10001 certificates are named"));
}

TEST_F(LoadMaterialTest, NothingOfAPrivateKeyIsInAMessage) {
  const std::string key = cert_.KeyPem();
  const std::string secret = key.substr(key.size() / 2, 20);
  rule().tls = TlsConfig{.certificates = {Pair("/a")}};
  files_["/a.key"] = key.substr(0, key.size() - 40) + "!!!!";
  for (const MaterialProblem& problem : Load().problems) {
    EXPECT_EQ(problem.message.find(secret), std::string::npos);
    EXPECT_EQ(problem.hint.find(secret), std::string::npos);
  }
}

}  // namespace
}  // namespace lb::controlplane
