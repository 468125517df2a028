// What is wrong with files of TLS, as findings of a load.
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "controlplane/config/load.h"
#include "controlplane/config/test_sources.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using testing::HasSubstr;
using Part = MaterialProblem::Part;

constexpr char kTwoRules[] = R"(tls: {cert: /c.pem, key: /k.pem}
rules:
  - name: one
    listen: 127.0.0.1:1
    backends: [127.0.0.1:81]
  - name: two
    listen: 127.0.0.1:2
    backends: [127.0.0.1:81]
  - name: three
    listen: 127.0.0.1:3
    backends: [127.0.0.1:81]
    tls: {enabled: false}
    backend_tls: {crl: /crl.pem}
)";

const CertificateFiles kPair{"/c.pem", "/k.pem", ""};

class MaterialFindingsTest : public testing::Test {
 protected:
  MaterialFindingsTest() {
    files_.AddTlsFiles();
    AddGood();
  }

  void AddGood() {
    material_.pairs[kPair].id = "1";
    material_.bundles[""].id = "2";
    material_.revocations["/crl.pem"].id = "3";
  }

  LoadResult Load(bool leave_out = false, const char* text = kTwoRules) {
    Sources sources = files_.Get();
    sources.load_material = [this](const Config&) {
      return MaterialResult{std::make_shared<const TlsMaterial>(material_), problems_};
    };
    sources.leave_out_rules = leave_out;
    sources.rules_left_out = left_out_;
    return lb::controlplane::Load(text, sources);
  }

  void KeyIsBad() {
    material_.pairs.clear();
    problems_ = {{.part = Part::kKey,
                  .code = "LB0131",
                  .message = "no key",
                  .file = "/k.pem",
                  .pair = kPair}};
  }

  TestSources files_;
  TlsMaterial material_;
  MaterialProblems problems_;
  std::set<std::string> left_out_;
};

TEST_F(MaterialFindingsTest, AGoodConfigurationComesWithWhatItsFilesHold) {
  const LoadResult result = Load();
  ASSERT_TRUE(result.config);
  EXPECT_EQ(*result.material, material_);
  EXPECT_TRUE(result.bad_files.empty());
}

TEST_F(MaterialFindingsTest, ABadFileIsTheFindingOfTheKeyThatNamesItOnce) {
  KeyIsBad();
  const LoadResult result = Load();
  EXPECT_FALSE(result.config);
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].field, "tls.key");
  EXPECT_EQ(result.findings[0].line, 1u);
  EXPECT_EQ(result.findings[0].code, "LB0131");
  EXPECT_THAT(result.findings[0].message, HasSubstr("'/k.pem': no key"));
  EXPECT_EQ(result.bad_files.at("/k.pem"), "no key");
}

TEST_F(MaterialFindingsTest, TheSystemsAuthoritiesAreTheSectionsThatNamesNone) {
  problems_ = {{.part = Part::kAuthorities, .code = "LB0132", .message = "none"},
               {.part = Part::kRevocations,
                .error = false,
                .code = "LB0240",
                .message = "old",
                .file = "/crl.pem"}};
  const LoadResult result = Load();
  ASSERT_EQ(result.findings.size(), 2u);
  EXPECT_EQ(result.findings[0].field, "rules[2].backend_tls");
  EXPECT_THAT(result.findings[0].message, HasSubstr("the authorities of the system"));
  EXPECT_EQ(result.findings[1].field, "rules[2].backend_tls.crl");
  EXPECT_EQ(result.findings[1].severity, Finding::Severity::kWarning);
}

TEST_F(MaterialFindingsTest, ListsOfOtherAuthoritiesAreTheFindingOfTheRulesWithThese) {
  problems_ = {{.part = Part::kRevocations,
                .code = "LB0136",
                .message = "none",
                .file = "/crl.pem",
                .authorities = "/other.pem"}};
  LoadResult result = Load();
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].field, "");
  problems_[0].authorities = "";
  result = Load();
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.findings[0].field, "rules[2].backend_tls.crl");
}

// Goal: a certificate that no client can be shown is found. Method: two files of one rule, whose
// names and keys are such and such.
TEST_F(MaterialFindingsTest, ACertificateWhoseNamesAreAllTakenIsAWarning) {
  constexpr char kText[] =
      "rules:\n- name: a\n  listen: 127.0.0.1:1\n  backends: ['127.0.0.1:2']\n"
      "  tls: {certificates: [{cert: /c.pem, key: /k.pem}, {cert: /o.der, key: /k.pem}]}\n";
  CertificateFacts& first = material_.pairs[kPair].facts;
  CertificateFacts& second = material_.pairs[{"/o.der", "/k.pem", ""}].facts;
  first.dns_names = {"a.example", "b.example"};
  first.key_type = "ECDSA P-256";
  const auto warns = [&](std::vector<std::string> names, const char* key_type) {
    second.dns_names = std::move(names);
    second.key_type = key_type;
    const LoadResult result = Load(false, kText);
    if (result.findings.empty()) return false;
    EXPECT_EQ(result.findings[0].code, "LB0245");
    EXPECT_EQ(result.findings[0].field, "rules[0].tls.certificates[1].cert");
    EXPECT_EQ(result.findings[0].severity, Finding::Severity::kWarning);
    return true;
  };
  EXPECT_TRUE(warns({"b.example"}, "ECDSA P-384"));
  EXPECT_TRUE(warns({}, "ECDSA P-256"));
  EXPECT_FALSE(warns({"b.example"}, "RSA 2048"));
  EXPECT_FALSE(warns({"b.example", "c.example"}, "ECDSA P-256"));
}

TEST_F(MaterialFindingsTest, AtAStartOnlyTheRulesThatNeedABadFileAreLeftOut) {
  KeyIsBad();
  const LoadResult result = Load(true);
  ASSERT_TRUE(result.config);
  ASSERT_EQ(result.config->rules.size(), 1u);
  EXPECT_EQ(result.config->rules[0].name, "three");
  ASSERT_EQ(result.left_out.size(), 2u);
  EXPECT_EQ(result.left_out[0].name, "one");
  EXPECT_EQ(result.left_out[1].name, "two");
  EXPECT_EQ(result.findings.size(), 1u);
  EXPECT_EQ(result.bad_files.size(), 1u);
}

// Goal: one certificate of several takes no others away. Method: the default is good, another one
// is not; then the other way round.
TEST_F(MaterialFindingsTest, AtAStartARuleGoesOnWithoutACertificateThatIsNotItsDefault) {
  const CertificateFiles other{"/o.der", "/k.pem", ""};
  constexpr char kText[] =
      "rules:\n- name: a\n  listen: 127.0.0.1:1\n  backends: ['127.0.0.1:2']\n"
      "  tls: {certificates: [{cert: /c.pem, key: /k.pem}, {cert: /o.der, key: /k.pem}]}\n";
  problems_ = {
      {.part = Part::kCert, .code = "LB0130", .message = "none", .file = "/o.der", .pair = other}};
  const LoadResult result = Load(true, kText);
  ASSERT_TRUE(result.config);
  ASSERT_EQ(result.config->rules.size(), 1u);
  EXPECT_EQ(result.config->rules[0].tls->certificates, std::vector<CertificateFiles>{kPair});
  ASSERT_EQ(result.left_out.size(), 1u);
  EXPECT_EQ(result.left_out[0].tls->certificates.size(), 2u);
  EXPECT_FALSE(Load(false, kText).config);
  material_.pairs.clear();
  material_.pairs[other].id = "4";
  problems_[0].file = kPair.cert;
  problems_[0].pair = kPair;
  const LoadResult without_default = Load(true, kText);
  ASSERT_TRUE(without_default.config);
  EXPECT_TRUE(without_default.config->rules.empty());
}

TEST_F(MaterialFindingsTest, RulesThatAreLeftOutStaySoWhileOthersAreRenewed) {
  KeyIsBad();
  left_out_ = {"one", "two"};
  const LoadResult result = Load();
  ASSERT_TRUE(result.config);
  EXPECT_EQ(result.config->rules.size(), 1u);
  EXPECT_EQ(result.left_out.size(), 2u);
  left_out_ = {"one"};
  EXPECT_FALSE(Load().config);
}

TEST_F(MaterialFindingsTest, ABadFileWhoseOldContentStaysIsAWarning) {
  KeyIsBad();
  AddGood();
  problems_[0].error = false;
  problems_[0].old_stays = true;
  const LoadResult result = Load();
  EXPECT_TRUE(result.config);
  EXPECT_EQ(result.bad_files.at("/k.pem"), "no key");
  ASSERT_EQ(result.findings.size(), 1u);
  EXPECT_THAT(result.findings[0].message, HasSubstr("no key; what was loaded before stays"));
}

TEST_F(MaterialFindingsTest, AtAStartWhatIsNoRulesFaultKeepsAllOut) {
  problems_ = {{.part = Part::kCert,
                .code = "LB0135",
                .message = "too much",
                .file = "/c.pem",
                .pair = kPair}};
  EXPECT_FALSE(Load(true).config);
}

}  // namespace
}  // namespace lb::controlplane
