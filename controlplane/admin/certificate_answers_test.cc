// What is told of the files of TLS: lists, alerts and metrics.
#include "controlplane/admin/certificate_answers.h"

#include <chrono>
#include <string>
#include <vector>

#include "controlplane/admin/answers_fixture.h"
#include "controlplane/admin/certificate_metrics.h"
#include "controlplane/admin/status_answer.h"

namespace lb::controlplane {
namespace {

using std::chrono::hours;

constexpr hours kDay{24};

int64_t Seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

class CertificateAnswersTest : public AnswersTest {
 protected:
  // A certificate of a rule of its own that ends so long after now.
  void AddCertificate(const std::string& rule, const std::string& file, WallTime::duration left) {
    RuleConfig& added = config_.rules.emplace_back();
    added.name = rule;
    const CertificateFiles files{file, file + ".key", ""};
    added.tls = TlsConfig{.certificates = {files}};
    CertificatePair& pair = material_.pairs[files];
    pair.id = file;
    pair.chain_der = {"leaf"};
    pair.key_der = "the private key";
    pair.facts.dns_names = {"a.example.com"};
    pair.facts.key_type = "ECDSA P-256";
    pair.facts.not_after_s = Seconds(kWall + left);
    certificates_.Take(config_, material_, kWall);
  }

  admin::v1::ListCertificatesResponse List(const admin::v1::ListCertificatesRequest& request) {
    return std::get<0>(ListCertificates(view(), request));
  }

  // The value of a sample of that file, or -1.
  double MetricOf(const std::string& name, const std::string& file) {
    std::vector<MetricFamily> families;
    AddCertificateMetrics(view(), families);
    for (const MetricFamily& family : families)
      for (const MetricSample& sample : family.samples)
        if (family.name == name && sample.labels[0].second == file) return sample.value;
    return -1;
  }

  Config config_;
  TlsMaterial material_;
};

TEST_F(CertificateAnswersTest, AListHasEachFileWithItsRulesAndNoKey) {
  AddCertificate("web", "/etc/lb/a.pem", 100 * kDay);
  const auto list = List({});
  ASSERT_EQ(list.certificates_size(), 1);
  const admin::v1::Certificate& one = list.certificates(0);
  EXPECT_EQ(one.name(), "certificates/%2Fetc%2Flb%2Fa.pem");
  EXPECT_EQ(one.file(), "/etc/lb/a.pem");
  EXPECT_EQ(one.kind(), admin::v1::Certificate::KIND_SERVER);
  EXPECT_EQ(one.state(), admin::v1::Certificate::STATE_VALID);
  EXPECT_EQ(one.dns_names(0), "a.example.com");
  EXPECT_EQ(one.rules(0), "rules/web");
  EXPECT_EQ(one.expire_time().seconds(), Seconds(kWall + 100 * kDay));
  EXPECT_EQ(list.SerializeAsString().find("private"), std::string::npos);
}

TEST_F(CertificateAnswersTest, PagesHaveEveryFileOnceAlsoOneOfTwoKinds) {
  AddCertificate("a", "/a", kDay);
  AddCertificate("b", "/b", kDay);
  config_.rules[0].backend_tls = BackendTlsConfig{.cert = "/a", .key = "/a.key"};
  certificates_.Take(config_, material_, kWall);
  std::vector<std::string> seen;
  admin::v1::ListCertificatesRequest request;
  request.set_page_size(1);
  do {
    const auto page = List(request);
    ASSERT_EQ(page.certificates_size(), 1);
    seen.push_back(page.certificates(0).file() +
                   admin::v1::Certificate::Kind_Name(page.certificates(0).kind()));
    request.set_page_token(page.next_page_token());
  } while (!request.page_token().empty() && seen.size() < 9);
  EXPECT_EQ(seen, (std::vector<std::string>{"/aKIND_SERVER", "/aKIND_BACKEND", "/bKIND_SERVER"}));
}

TEST_F(CertificateAnswersTest, AListIsFilteredAndOrderedByWhenTheyEnd) {
  AddCertificate("a", "/late", 100 * kDay);
  AddCertificate("b", "/soon", kDay);
  admin::v1::ListCertificatesRequest request;
  request.set_order_by("expire_time");
  EXPECT_EQ(List(request).certificates(0).file(), "/soon");
  request.set_filter("state = STATE_EXPIRING");
  EXPECT_EQ(List(request).certificates_size(), 1);
  request.set_filter("nothing = 1");
  EXPECT_TRUE(std::holds_alternative<Failure>(ListCertificates(view(), request)));
}

TEST_F(CertificateAnswersTest, OneThatNeverExpiresIsTheLastToEnd) {
  constexpr int64_t kNeverS = 253'402'300'799;  // 9999-12-31T23:59:59Z, RFC 5280 4.1.2.5.
  AddCertificate("a", "/never", kDay);
  AddCertificate("b", "/soon", kDay);
  material_.pairs.begin()->second.facts.not_after_s = kNeverS;
  certificates_.Take(config_, material_, kWall);
  admin::v1::ListCertificatesRequest request;
  request.set_order_by("expire_time");
  EXPECT_EQ(List(request).certificates(0).file(), "/soon");
  EXPECT_EQ(List(request).certificates(1).state(), admin::v1::Certificate::STATE_VALID);
  request.set_filter("expire_time < 9999-12-31T00:00:00Z");
  EXPECT_EQ(List(request).certificates_size(), 1);
  request.set_filter("expire_time > 2100-01-01T00:00:00Z");
  EXPECT_EQ(List(request).certificates(0).file(), "/never");
}

TEST_F(CertificateAnswersTest, WhatEndsWithinAWeekHasEndedOrIsRefusedIsAnAlert) {
  AddCertificate("a", "/1-fine", 8 * kDay);
  AddCertificate("b", "/2-soon", 6 * kDay);
  AddCertificate("c", "/3-over", -3 * kDay);
  AddCertificate("d", "/4-bad", 100 * kDay);
  certificates_.Refuse({{"/4-bad", "no certificate is in it"}});
  const auto alerts = CertificateAlerts(view());
  ASSERT_EQ(alerts.size(), 3u);
  EXPECT_EQ(alerts[0].resource(), "certificates/%2F2-soon");
  EXPECT_EQ(alerts[0].message(), "/2-soon (rule b): the certificate expires in 6 days");
  EXPECT_EQ(alerts[1].message(), "/3-over (rule c): the certificate expired 3 days ago");
  EXPECT_EQ(alerts[2].message(),
            "/4-bad (rule d): what is in the file now is refused, what was loaded stays: no "
            "certificate is in it");
  const admin::v1::Status status = DescribeStatus(view());
  int found = 0;
  for (const admin::v1::Alert& alert : status.alerts())
    found += alert.resource().rfind("certificates/", 0) == 0 ? 1 : 0;
  EXPECT_EQ(found, 3);
}

TEST_F(CertificateAnswersTest, AFileThatRulesAreLeftOutForIsRefusedEverywhere) {
  RuleConfig shop;
  shop.name = "shop";
  shop.tls = TlsConfig{.certificates = {{"/shop", "/shop.key", ""}}};
  certificates_.Take(config_, material_, kWall, {shop});
  certificates_.Refuse({{"/shop", "cut"}});
  file_.good = true;
  file_.left_out = {"shop"};
  ASSERT_EQ(List({}).certificates_size(), 1);
  EXPECT_EQ(List({}).certificates(0).state(), admin::v1::Certificate::STATE_REFUSED);
  EXPECT_FALSE(List({}).certificates(0).has_load_time());
  EXPECT_EQ(MetricOf("lb_certificate_refused", "/shop"), 1);
  EXPECT_EQ(MetricOf("lb_certificate_load_timestamp_seconds", "/shop"), -1);
  EXPECT_EQ(CertificateAlerts(view()).at(0).message(),
            "/shop (rule shop): the file is refused, and nothing was loaded from it before: cut");
  const admin::v1::Status status = DescribeStatus(view());
  ASSERT_EQ(status.rules_left_out_size(), 1);
  EXPECT_EQ(status.rules_left_out(0), "rules/shop");
  EXPECT_EQ(status.alerts(0).resource(), "rules/shop");
}

TEST_F(CertificateAnswersTest, ARevocationListPastItsUpdateSaysWhomItKeepsOut) {
  RuleConfig& rule = config_.rules.emplace_back();
  rule.name = "a";
  rule.tls.emplace().client_crl = "/crl";
  material_.revocations["/crl"].id = "1";
  material_.revocations["/crl"].next_update_s = Seconds(kWall - 2 * kDay);
  certificates_.Take(config_, material_, kWall);
  EXPECT_EQ(CertificateAlerts(view()).at(0).message(),
            "/crl (rule a): the revocation list is past its next update since 2 days; clients with "
            "certificates of its issuer are refused");
}

TEST_F(CertificateAnswersTest, AResponseThatIsOldIsAnAlertWithAnEndOfItsOwn) {
  AddCertificate("a", "/a", 100 * kDay);
  const CertificateFiles files{"/a", "/a.key", "/a.ocsp"};
  config_.rules[0].tls->certificates = {files};
  CertificatePair& pair = material_.pairs[files] = material_.pairs.at({"/a", "/a.key", ""});
  certificates_.Take(config_, material_, kWall);
  EXPECT_EQ(CertificateAlerts(view()).at(0).message(),
            "/a (rule a): its OCSP response is not stapled: it is no good");
  pair.ocsp_response_der = "response";
  pair.ocsp_next_update_s = Seconds(kWall - hours(3));
  certificates_.Take(config_, material_, kWall);
  EXPECT_EQ(CertificateAlerts(view()).at(0).message(),
            "/a (rule a): its OCSP response expired 3 hours ago");
}

TEST_F(CertificateAnswersTest, AnAuthorityOfTheSystemThatEndsIsNobodysAlert) {
  config_.rules.emplace_back().backend_tls = BackendTlsConfig{};
  material_.bundles[""].id = "1";
  material_.bundles[""].first_to_expire.not_after_s = Seconds(kWall - kDay);
  certificates_.Take(config_, material_, kWall);
  ASSERT_EQ(List({}).certificates_size(), 1);
  EXPECT_EQ(List({}).certificates(0).state(), admin::v1::Certificate::STATE_VALID);
  EXPECT_TRUE(CertificateAlerts(view()).empty());
}

TEST_F(CertificateAnswersTest, MetricsSayWhenEachFileEndsAndWhetherItIsRefused) {
  AddCertificate("a", "/a", 3 * kDay);
  AddCertificate("b", "/b", 30 * kDay);
  certificates_.Refuse({{"/b", "cut"}});
  constexpr char kExpire[] = "lb_certificate_expire_timestamp_seconds";
  EXPECT_EQ(MetricOf(kExpire, "/a"), static_cast<double>(Seconds(kWall + 3 * kDay)));
  EXPECT_EQ(MetricOf("lb_certificate_refused", "/a"), 0);
  EXPECT_EQ(MetricOf("lb_certificate_refused", "/b"), 1);
  EXPECT_EQ(MetricOf("lb_certificate_load_timestamp_seconds", "/b"),
            static_cast<double>(Seconds(kWall)));
  EXPECT_EQ(MetricOf("lb_certificates", "refused"), 1);
}

TEST_F(CertificateAnswersTest, SeriesAreBoundedAndThoseThatNeedALookComeFirst) {
  RuleConfig& rule = config_.rules.emplace_back();
  rule.tls.emplace();
  for (size_t i = 0; i < kMaxCertificateSeries + 5; ++i) {
    const CertificateFiles files{"/" + std::to_string(10'000 + i), "/key", ""};
    rule.tls->certificates.push_back(files);
    material_.pairs[files].id = files.cert;
    material_.pairs[files].facts.not_after_s =
        Seconds(kWall + (900 - static_cast<int>(i) / 2) * kDay);
  }
  certificates_.Take(config_, material_, kWall);
  certificates_.Refuse({{"/10000", "cut"}});
  std::vector<MetricFamily> families;
  AddCertificateMetrics(view(), families);
  for (const MetricFamily& family : families)
    EXPECT_LE(family.samples.size(), kMaxCertificateSeries) << family.name;
  EXPECT_EQ(MetricOf("lb_certificate_refused", "/10000"), 1);
  EXPECT_EQ(MetricOf("lb_certificate_refused", "/10001"), -1);
  EXPECT_EQ(MetricOf("lb_certificate_refused", "/11000"), 0);
}

}  // namespace
}  // namespace lb::controlplane
