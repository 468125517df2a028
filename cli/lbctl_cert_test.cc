// `lbctl cert`: what is in use, what is to be renewed, and what is in a file.
#include <boost/json.hpp>
#include <chrono>
#include <fstream>

#include "base/test_certificate.h"
#include "cli/lbctl_fixture.h"

namespace lb::cli {
namespace {

namespace json = boost::json;
using lb::admin::v1::Certificate;

// Ends that no clock of a test's machine comes near.
constexpr int64_t kPast = 1'000'000'000;    // 2001.
constexpr int64_t kFuture = 4'000'000'000;  // 2096.
constexpr int64_t kDayS = 86'400;

int64_t Now() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration_cast<std::chrono::seconds>(now).count();
}

bool Has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

Certificate Make(const std::string& file, Certificate::State state, int64_t end_s) {
  Certificate one;
  one.set_name("certificates/" + file);
  one.set_file(file);
  one.set_kind(Certificate::KIND_SERVER);
  one.set_state(state);
  one.set_key_type("ECDSA P-256");
  one.add_dns_names("www.example.com");
  one.add_rules("rules/web");
  one.mutable_load_time()->set_seconds(kPast);
  one.mutable_expire_time()->set_seconds(end_s);
  return one;
}

class LbctlCertTest : public LbctlTest {
 protected:
  void Serve(std::vector<Certificate> certificates) {
    fakes::AdminServer::Data data = ExampleData();
    data.certificates = std::move(certificates);
    server_->Set(data);
  }

  std::string Write(const std::string& name, const std::string& content) {
    const std::string path = folder_ + "/" + name;
    std::ofstream(path) << content;
    return path;
  }
};

TEST_F(LbctlCertTest, ListsFilesSortedAndAsJson) {
  // A minute more or less does not show.
  Serve({Make("/b.pem", Certificate::STATE_VALID, Now() + 100 * kDayS + 60),
         Make("/a.pem", Certificate::STATE_EXPIRING, Now() + 3 * kDayS + 60)});
  const ProcessResult table = Run({"cert", "list", "--sort-by", "expires"});
  EXPECT_EQ(table.exit_code, 0) << table.err;
  EXPECT_EQ(table.out,
            "FILE    KIND    STATE     NAMES            EXPIRES  RULES\n"
            "/a.pem  server  EXPIRING  www.example.com  in 3d    web\n"
            "/b.pem  server  VALID     www.example.com  in 100d  web\n");
  EXPECT_TRUE(Has(Run({"cert", "list", "-o", "wide"}).out, "ECDSA P-256"));
  const json::value list = json::parse(Run({"cert", "list", "-o", "json"}).out);
  EXPECT_EQ(list.at("kind"), "CertificateList");
  EXPECT_EQ(list.at("items").as_array().size(), 2u);
  EXPECT_EQ(Run({"cert", "list", "-o", "jsonpath={.items[0].file}"}).out, "/b.pem\n");
  EXPECT_EQ(Run({"cert", "list", "--sort-by", "size"}).exit_code, 2);
}

TEST_F(LbctlCertTest, CheckFindsWhatIsRefusedOverOrNear) {
  Serve({Make("/fine.pem", Certificate::STATE_VALID, Now() + 20 * kDayS)});
  const ProcessResult fine = Run({"cert", "check"});
  EXPECT_EQ(fine.exit_code, 0) << fine.out;
  EXPECT_TRUE(Has(fine.out, "1 file is fine; the first to end is /fine.pem, in ")) << fine.out;
  EXPECT_EQ(Run({"cert", "check", "--within", "30d"}).exit_code, 1);
  EXPECT_EQ(Run({"cert", "check", "--within", "1h"}).exit_code, 0);
  EXPECT_EQ(Run({"cert", "check", "--within", "0d"}).exit_code, 2);
  EXPECT_EQ(Run({"cert", "check", "--within", "soon"}).exit_code, 2);

  Certificate refused = Make("/bad.pem", Certificate::STATE_REFUSED, Now() + 100 * kDayS + 60);
  refused.set_problem("no certificate is in it");
  Serve({Make("/over.pem", Certificate::STATE_EXPIRED, kPast), refused});
  const ProcessResult bad = Run({"cert", "check", "--within", "1h"});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_TRUE(Has(bad.out, "EXPIRED")) << bad.out;
  EXPECT_TRUE(Has(bad.out, "renew it and replace")) << bad.out;
  EXPECT_TRUE(Has(bad.out, "no certificate is in it; put a good file in place")) << bad.out;
  const json::value findings = json::parse(Run({"cert", "check", "-o", "json"}).out);
  EXPECT_EQ(findings.at("success"), false);
  EXPECT_EQ(findings.at("items").as_array().size(), 2u);
}

TEST_F(LbctlCertTest, CheckFindsAResponseThatEndsSoon) {
  Certificate one = Make("/a.pem", Certificate::STATE_EXPIRING, Now() + 60 * kDayS);
  one.mutable_ocsp_next_update_time()->set_seconds(Now() + 3'600);
  Serve({one});
  const ProcessResult result = Run({"cert", "check"});
  EXPECT_EQ(result.exit_code, 1);
  EXPECT_TRUE(Has(result.out, "its OCSP response ends soon")) << result.out;
  EXPECT_EQ(Run({"cert", "check", "--within", "2h"}).exit_code, 1);
  EXPECT_EQ(Run({"cert", "check", "--within", "10s"}).exit_code, 0);
}

TEST_F(LbctlCertTest, OneThatNeverExpiresHasNotExpired) {
  constexpr int64_t kNeverS = 253'402'300'799;  // 9999-12-31T23:59:59Z, RFC 5280 4.1.2.5.
  Serve({Make("/never.pem", Certificate::STATE_VALID, kNeverS)});
  const ProcessResult result = Run({"cert", "check"});
  EXPECT_EQ(result.exit_code, 0) << result.out;
  EXPECT_TRUE(Has(result.out, "/never.pem, in 29")) << result.out;  // Some 2.9 million days.
  EXPECT_FALSE(Has(Run({"cert", "list"}).out, "ago"));
}

TEST_F(LbctlCertTest, WhereNothingIsInUseNothingIsFound) {
  const ProcessResult result = Run({"cert", "check"});
  EXPECT_EQ(result.exit_code, 0);
  EXPECT_EQ(result.out, "no files of TLS are in use\n");
}

TEST_F(LbctlCertTest, InspectShowsTheChainOfAFileAndAsksNobody) {
  const auto authority =
      TestCertificate::Make({.name = "ca", .authority = true, .begin_s = kPast, .end_s = kFuture});
  const auto leaf = TestCertificate::Make(
      {.name = "leaf", .names = "DNS:www.example.com", .begin_s = kPast, .end_s = kFuture},
      &authority);
  const std::string chain = Write("chain.pem", leaf.CertPem() + authority.CertPem());
  server_.reset();
  const ProcessResult good = Run({"cert", "inspect", chain});
  EXPECT_EQ(good.exit_code, 0) << good.out << good.err;
  EXPECT_TRUE(Has(good.out, "certificate 1 of 2\n")) << good.out;
  EXPECT_TRUE(Has(good.out, "www.example.com")) << good.out;
  EXPECT_TRUE(Has(good.out, "ECDSA P-256")) << good.out;

  const auto old = TestCertificate::Make({.name = "old", .begin_s = 0, .end_s = kPast}, &authority);
  const ProcessResult bad = Run({"cert", "inspect", Write("old.pem", old.CertPem()), "-o", "json"});
  EXPECT_EQ(bad.exit_code, 1);
  EXPECT_EQ(json::parse(bad.out).at("problems").at(0), "certificate 1: expired");
  const std::string mixed = Write("mixed.pem", leaf.CertPem() + old.CertPem());
  EXPECT_TRUE(Has(Run({"cert", "inspect", mixed}).out, "2 did not sign the one before it"));
}

TEST_F(LbctlCertTest, InspectOfAKeyShowsNothingOfIt) {
  const auto one = TestCertificate::Make({});
  const ProcessResult result = Run({"cert", "inspect", Write("a.key", one.KeyPem())});
  EXPECT_EQ(result.exit_code, 2);
  EXPECT_EQ(result.out, "");
  EXPECT_FALSE(Has(result.err, one.KeyPem().substr(40, 20))) << result.err;
  EXPECT_EQ(Run({"cert", "inspect"}).exit_code, 2);
}

}  // namespace
}  // namespace lb::cli
