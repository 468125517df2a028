// `lbctl cert list`, `cert check` and `cert inspect`, against a fake control plane and files of
// this host: what is printed, and the exit code.
#include <boost/json.hpp>
#include <chrono>
#include <string>

#include "cli/lbctl_fixture.h"

namespace lb::cli {
namespace {

namespace api = lb::admin::v1;
namespace json = boost::json;

constexpr int64_t kDayS = 24 * 3'600;
// Half a day more, so that a slow run does not change what is shown.
constexpr int64_t kSpareS = kDayS / 2;
constexpr int64_t kNeverS = 253'402'300'799;  // 9999-12-31T23:59:59Z, RFC 5280 4.1.2.5.

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

int64_t InDays(int64_t days) {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count() + days * kDayS + kSpareS;
}

class LbctlCertTest : public LbctlTest {
 protected:
  // A certificate for clients, of the rule web, with that end; the fake has it from then on.
  api::Certificate& Add(const std::string& file, int64_t end_s,
                        api::Certificate::State state = api::Certificate::STATE_VALID) {
    api::Certificate& one = data_.certificates.emplace_back();
    one.set_name("certificates/" + file);
    one.set_file("/tls/" + file);
    one.set_kind(api::Certificate::KIND_SERVER);
    one.set_state(state);
    one.add_dns_names(file + ".example.com");
    one.mutable_expire_time()->set_seconds(end_s);
    one.add_rules("rules/web");
    return one;
  }

  ProcessResult Cert(const std::vector<std::string>& words) {
    server_->Set(data_);
    std::vector<std::string> args = {"cert"};
    args.insert(args.end(), words.begin(), words.end());
    return Run(std::move(args));
  }

  fakes::AdminServer::Data data_ = ExampleData();
};

TEST_F(LbctlCertTest, AListHasEachFileWithItsEndAndItsRules) {
  Add("b", InDays(60));
  Add("a", InDays(-3), api::Certificate::STATE_EXPIRED).add_rules("rules/api");
  const ProcessResult result = Cert({"list", "--sort-by", "expires"});
  EXPECT_EQ(result.exit_code, 0) << result.err;
  EXPECT_EQ(result.out,
            "FILE    KIND    STATE    NAMES          EXPIRES    RULES\n"
            "/tls/a  server  EXPIRED  a.example.com  2d12h ago  web, api\n"
            "/tls/b  server  VALID    b.example.com  in 60d     web\n");
  EXPECT_EQ(Cert({"list", "-o", "name"}).out, "certificates/b\ncertificates/a\n");
  EXPECT_EQ(Cert({"list", "-o", "jsonpath={.items[0].file}"}).out, "/tls/b\n");
  const json::value list = json::parse(Cert({"list", "-o", "json"}).out);
  EXPECT_EQ(list.at("kind"), "CertificateList");
  EXPECT_EQ(list.at("items").at(0).at("dnsNames").at(0), "b.example.com");
}

TEST_F(LbctlCertTest, AWideListSaysWhyANewerContentIsRefused) {
  Add("a", InDays(60), api::Certificate::STATE_REFUSED).set_problem("no certificate is in it");
  const ProcessResult result = Cert({"list", "-o", "wide"});
  EXPECT_TRUE(Has(result.out, "REFUSED")) << result.out;
  EXPECT_TRUE(Has(result.out, "no certificate is in it")) << result.out;
}

TEST_F(LbctlCertTest, WithoutTlsThereIsNothingAndNothingIsWrong) {
  const ProcessResult list = Cert({"list"});
  EXPECT_EQ(list.exit_code, 0);
  EXPECT_EQ(list.out, "");
  EXPECT_EQ(list.err, "no certificates\n");
  const ProcessResult check = Cert({"check"});
  EXPECT_EQ(check.exit_code, 0);
  EXPECT_EQ(check.out, "no files of TLS are in use\n");
}

TEST_F(LbctlCertTest, ACheckFindsWhatEndsInTimeAndNothingElse) {
  Add("a", InDays(20));
  Add("b", kNeverS);
  const ProcessResult fine = Cert({"check"});
  EXPECT_EQ(fine.exit_code, 0) << fine.out;
  EXPECT_EQ(fine.out, "2 files are fine; the first to end is /tls/a, in 20d\n");
  const ProcessResult found = Cert({"check", "--within", "30d"});
  EXPECT_EQ(found.exit_code, 1) << found.out;
  EXPECT_TRUE(Has(found.out, "EXPIRING  /tls/a")) << found.out;
  EXPECT_TRUE(Has(found.out, "renew it and replace certificate and key")) << found.out;
  EXPECT_FALSE(Has(found.out, "/tls/b")) << found.out;
}

TEST_F(LbctlCertTest, ACheckFindsWhatIsRefusedExpiredOrNotValidYet) {
  Add("a", InDays(90), api::Certificate::STATE_REFUSED).set_problem("the key is another one");
  Add("b", InDays(-5), api::Certificate::STATE_EXPIRED);
  Add("c", InDays(90), api::Certificate::STATE_NOT_YET_VALID);
  Add("d", InDays(90));
  const ProcessResult result = Cert({"check"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(Has(result.out, "the key is another one; put a good file in place")) << result.out;
  EXPECT_TRUE(Has(result.out, "EXPIRED")) << result.out;
  EXPECT_TRUE(Has(result.out, "compare the clock of this host")) << result.out;
  EXPECT_FALSE(Has(result.out, "/tls/d")) << result.out;
  const json::value found = json::parse(Cert({"check", "-o", "json"}).out);
  EXPECT_EQ(found.at("success"), false);
  EXPECT_EQ(found.at("items").as_array().size(), 3u);
}

TEST_F(LbctlCertTest, WithinIsATimeThatIsAllowed) {
  EXPECT_EQ(Cert({"check", "--within", "12h"}).exit_code, 0);
  for (const char* bad : {"0d", "3651d", "-1d", "soon", "d", "14"}) {
    const ProcessResult result = Cert({"check", std::string("--within=") + bad});
    EXPECT_EQ(result.exit_code, 2) << bad;
    EXPECT_TRUE(Has(result.err, "--within")) << result.err;
  }
}

TEST_F(LbctlCertTest, AFileIsInspectedWithoutAskingAnybody) {
  ASSERT_EQ(RunLbctl({"tls", "generate-ca", "--dir", folder_}).exit_code, 0);
  ASSERT_EQ(RunLbctl({"tls", "generate-cert", "server", "w", "--dir", folder_, "--san",
                      "w.example.com", "--san", "10.0.0.1"})
                .exit_code,
            0);
  const std::string file = folder_ + "/server-w.crt";
  const ProcessResult result = RunLbctl({"cert", "inspect", file});
  EXPECT_EQ(result.exit_code, 0) << result.out << result.err;
  for (const char* part : {"certificate 1 of ", "w.example.com", "10.0.0.1", "ECDSA P-256"})
    EXPECT_TRUE(Has(result.out, part)) << part << "\n" << result.out;
  const json::value shown = json::parse(RunLbctl({"cert", "inspect", file, "-o", "json"}).out);
  EXPECT_EQ(shown.at("kind"), "CertificateFile");
  EXPECT_EQ(shown.at("items").at(0).at("dnsNames").at(0), "w.example.com");
  EXPECT_TRUE(shown.at("problems").as_array().empty());
}

TEST_F(LbctlCertTest, WhatIsNoCertificateIsSaidAndNoKeyIsShown) {
  ASSERT_EQ(RunLbctl({"tls", "generate-ca", "--dir", folder_}).exit_code, 0);
  const ProcessResult result = RunLbctl({"cert", "inspect", folder_ + "/ca.key"});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_TRUE(Has(result.err, "ca.key")) << result.err;
  EXPECT_FALSE(Has(result.err, "BEGIN")) << result.err;
  EXPECT_EQ(RunLbctl({"cert", "inspect", folder_ + "/none"}).out, "");
  EXPECT_EQ(RunLbctl({"cert", "inspect"}).exit_code, 2);
}

}  // namespace
}  // namespace lb::cli
