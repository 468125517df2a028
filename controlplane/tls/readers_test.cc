#include <algorithm>
#include <string>
#include <vector>

#include "base/test_certificate.h"
#include "base/tls_trust.h"
#include "controlplane/tls/bundle.h"
#include "controlplane/tls/chain.h"
#include "controlplane/tls/pair.h"
#include "controlplane/tls/revocation.h"
#include "controlplane/tls/test_ocsp.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using Part = MaterialProblem::Part;
using KeyType = TestCertificate::KeyType;

constexpr int64_t kNow = TestCertificate::kNowS;
constexpr int64_t kDay = TestCertificate::kDayS;

class ReadersTest : public testing::Test {
 protected:
  std::optional<CertificatePair> Read(const std::string& cert, const std::string& key,
                                      PairUse use = {.clients = true}) {
    problems_.clear();
    return ReadPair({cert, key}, use, kNow, problems_);
  }

  // The message of the one problem that there is.
  std::string Problem() const {
    if (problems_.size() != 1) return "not one problem";
    return problems_[0].message;
  }

  const TestCertificate root_ = TestCertificate::Make({.name = "root", .authority = true});
  const TestCertificate middle_ =
      TestCertificate::Make({.name = "middle", .authority = true}, &root_);
  const TestCertificate leaf_ = TestCertificate::Make(
      {.name = "leaf",
       .names = "DNS:WWW.example.com,DNS:*.example.com,IP:10.0.0.1,DNS:www.example.com",
       .usage = "serverAuth,clientAuth",
       .key_usage = "digitalSignature"},
      &middle_);
  MaterialProblems problems_;
};

TEST_F(ReadersTest, APairHasItsChainInOrderHoweverItIsWritten) {
  const auto in_order = Read(leaf_.CertPem() + middle_.CertPem(), leaf_.KeyPem());
  ASSERT_TRUE(in_order);
  EXPECT_TRUE(problems_.empty());
  EXPECT_THAT(in_order->chain_der, ElementsAre(leaf_.CertDer(), middle_.CertDer()));
  const auto reversed = Read(middle_.CertPem() + "# a comment\n" + leaf_.CertPem(), leaf_.KeyPem());
  ASSERT_TRUE(reversed);
  EXPECT_EQ(*reversed, *in_order);
}

TEST_F(ReadersTest, ACertificateWithoutANameIsOfNoUseToClientsThatVerify) {
  const TestCertificate nameless = TestCertificate::Make({.name = "www.example.com", .names = ""});
  EXPECT_TRUE(Read(nameless.CertPem(), nameless.KeyPem(), {.backends = true}));
  EXPECT_TRUE(problems_.empty());
  EXPECT_TRUE(Read(nameless.CertPem(), nameless.KeyPem()));
  ASSERT_EQ(problems_.size(), 1u);
  EXPECT_EQ(problems_[0].code, "LB0248");
  EXPECT_FALSE(problems_[0].error);
}

// A file of certificates that may all have signed each other is not followed to its end.
TEST_F(ReadersTest, AChainIsGivenUpWhereItIsTooLong) {
  std::vector<TestCertificate> chain;
  chain.push_back(TestCertificate::Make({.authority = true}));
  for (size_t i = 0; i < 2 * kMaxChainCertificates; ++i)
    chain.push_back(TestCertificate::Make({.authority = true}, &chain.back()));
  std::string text;
  for (const TestCertificate& one : chain) text += one.CertPem();
  EXPECT_FALSE(Read(text, chain.back().KeyPem()));
  EXPECT_EQ(Problem(), "its chain has more than 16 certificates");
  std::vector<bssl::UniquePtr<X509>> certificates;
  for (const TestCertificate& one : chain) certificates.push_back(ParseCertificate(one.CertDer()));
  const bssl::UniquePtr<EVP_PKEY> key(X509_get_pubkey(certificates.back().get()));
  size_t unused = 0;
  EXPECT_EQ(ChainOf(certificates, key.get(), unused).size(), kMaxChainCertificates + 1);
  EXPECT_EQ(unused, kMaxChainCertificates);
}

TEST_F(ReadersTest, WhatPeopleWantToKnowOfACertificateIsTold) {
  const auto pair = Read(leaf_.CertPem(), leaf_.KeyPem());
  ASSERT_TRUE(pair);
  const CertificateFacts& facts = pair->facts;
  EXPECT_EQ(facts.subject, "CN=leaf");
  EXPECT_EQ(facts.issuer, "CN=middle");
  EXPECT_THAT(facts.dns_names, ElementsAre("*.example.com", "www.example.com"));
  EXPECT_THAT(facts.addresses, ElementsAre("10.0.0.1"));
  EXPECT_EQ(facts.key_type, "ECDSA P-256");
  EXPECT_EQ(facts.serial_number.size(), 16u);
  EXPECT_EQ(facts.sha256.size(), 64u);
  EXPECT_EQ(facts.not_before_s, kNow - kDay);
  EXPECT_EQ(facts.not_after_s, kNow + 90 * kDay);
}

TEST_F(ReadersTest, KeysOfBothFormsAndCombinedFilesAreTaken) {
  const auto rsa = TestCertificate::Make({.key = KeyType::kRsa2048});
  for (const TestCertificate* one : {&rsa, &leaf_}) {
    const auto pkcs8 = Read(one->CertPem(), one->KeyPem());
    const auto own_form = Read(one->CertPem(), one->KeyPemOfType());
    const std::string all = one->KeyPem() + one->CertPem();
    const auto combined = Read(all, all);
    ASSERT_TRUE(pkcs8 && own_form && combined);
    EXPECT_EQ(*pkcs8, *own_form);
    EXPECT_EQ(*pkcs8, *combined);
  }
}

TEST_F(ReadersTest, AnIdIsOfTheContentAlone) {
  const auto pair = Read(leaf_.CertPem(), leaf_.KeyPem());
  const auto again = Read("\n" + leaf_.CertPem(), leaf_.KeyPem());
  const auto longer = Read(leaf_.CertPem() + middle_.CertPem(), leaf_.KeyPem());
  ASSERT_TRUE(pair && again && longer);
  EXPECT_EQ(pair->id, again->id);
  EXPECT_NE(pair->id, longer->id);
}

TEST_F(ReadersTest, AKeyThatIsNoUseIsRefusedWithTheReason) {
  EXPECT_FALSE(Read(leaf_.CertPem(), middle_.KeyPem()));
  EXPECT_THAT(Problem(), HasSubstr("not the key of the certificate"));
  EXPECT_EQ(problems_[0].part, Part::kKey);
  EXPECT_FALSE(Read(leaf_.CertPem(), leaf_.EncryptedKeyPem()));
  EXPECT_THAT(Problem(), HasSubstr("encrypted"));
  EXPECT_THAT(problems_[0].hint, HasSubstr("openssl pkey"));
  EXPECT_FALSE(Read(leaf_.CertPem(), leaf_.CertPem()));
  EXPECT_THAT(Problem(), HasSubstr("no private key"));
  EXPECT_FALSE(Read(leaf_.CertPem(), leaf_.KeyPem() + middle_.KeyPem()));
  EXPECT_THAT(Problem(), HasSubstr("more than one"));
  std::string damaged = leaf_.KeyPem();
  damaged[damaged.size() / 2] = '!';
  EXPECT_FALSE(Read(leaf_.CertPem(), damaged));
  EXPECT_THAT(Problem(), HasSubstr("damaged"));
}

TEST_F(ReadersTest, KeysThatClientsDoNotKnowAreRefused) {
  for (const KeyType type : {KeyType::kRsa1024, KeyType::kP224, KeyType::kEd25519}) {
    const auto odd = TestCertificate::Make({.key = type});
    EXPECT_FALSE(Read(odd.CertPem(), odd.KeyPem()));
    EXPECT_THAT(Problem(), HasSubstr("use ECDSA P-256"));
  }
}

TEST_F(ReadersTest, ACertificateMustBeForWhatItIsUsedFor) {
  const auto signing = TestCertificate::Make({.key_usage = "keyCertSign"});
  EXPECT_FALSE(Read(signing.CertPem(), signing.KeyPem()));
  EXPECT_THAT(Problem(), HasSubstr("digitalSignature"));
  const auto client = TestCertificate::Make({.usage = "clientAuth"});
  EXPECT_TRUE(Read(client.CertPem(), client.KeyPem(), {.backends = true}));
  EXPECT_FALSE(Read(client.CertPem(), client.KeyPem(), {.clients = true}));
  EXPECT_THAT(Problem(), HasSubstr("serverAuth"));
  const auto server = TestCertificate::Make({.usage = "serverAuth"});
  EXPECT_FALSE(Read(server.CertPem(), server.KeyPem(), {.clients = true, .backends = true}));
  EXPECT_THAT(Problem(), HasSubstr("clientAuth"));
}

TEST_F(ReadersTest, TimesAreHeldAgainstTheClockOfTheCaller) {
  const auto expired = TestCertificate::Make({.end_s = kNow});
  EXPECT_TRUE(Read(expired.CertPem(), expired.KeyPem()));
  EXPECT_THAT(Problem(), HasSubstr("it expired 2026-"));
  const auto early = TestCertificate::Make({.begin_s = kNow + 1});
  EXPECT_TRUE(Read(early.CertPem(), early.KeyPem()));
  EXPECT_THAT(Problem(), HasSubstr("not valid before"));
  const auto old_middle = TestCertificate::Make({.authority = true, .end_s = kNow}, &root_);
  const auto under_it = TestCertificate::Make({}, &old_middle);
  EXPECT_TRUE(Read(under_it.CertPem() + old_middle.CertPem(), under_it.KeyPem()));
  EXPECT_THAT(Problem(), HasSubstr("certificate 2 of its chain expired"));
}

TEST_F(ReadersTest, CertificatesThatDoNotBelongAreLeftOutWithAWarning) {
  const auto pair = Read(leaf_.CertPem() + root_.CertPem(), leaf_.KeyPem());
  ASSERT_TRUE(pair);
  EXPECT_EQ(pair->chain_der.size(), 1u);
  EXPECT_THAT(Problem(), HasSubstr("1 of its certificates"));
  EXPECT_FALSE(problems_[0].error);
}

TEST_F(ReadersTest, AGoodResponseIsStapledUntilItsNextUpdate) {
  const std::string cert = leaf_.CertPem() + middle_.CertPem();
  const std::string key = leaf_.KeyPem();
  const std::string good = TestOcspDer(leaf_, middle_, 'g', kNow - 1, kNow + kDay);
  const auto pair = ReadPair({cert, key, good}, {.clients = true}, kNow, problems_);
  ASSERT_TRUE(pair);
  EXPECT_TRUE(problems_.empty());
  EXPECT_EQ(pair->ocsp_response_der, good);
  EXPECT_EQ(pair->ocsp_next_update_s, kNow + kDay);
}

TEST_F(ReadersTest, AResponseThatIsNoGoodIsNotStapledAndKeepsNothingOut) {
  const std::string cert = leaf_.CertPem() + middle_.CertPem();
  const auto why = [&](const std::string& response) {
    problems_.clear();
    const std::string key = leaf_.KeyPem();
    const auto pair = ReadPair({cert, key, response}, {.clients = true}, kNow, problems_);
    EXPECT_TRUE(pair && pair->ocsp_response_der.empty());
    EXPECT_FALSE(problems_.at(0).error);
    return Problem();
  };
  EXPECT_THAT(why(TestOcspDer(leaf_, middle_, 'r', kNow - 1, kNow + 1)), HasSubstr("revoked"));
  EXPECT_THAT(why(TestOcspDer(leaf_, middle_, 'u', kNow - 1, kNow + 1)), HasSubstr("not known"));
  EXPECT_THAT(why(TestOcspDer(leaf_, middle_, 'g', kNow - 9, kNow)), HasSubstr("held only until"));
  EXPECT_THAT(why(TestOcspDer(leaf_, middle_, 'g', kNow + 1, kNow + 9)),
              HasSubstr("not hold before"));
  EXPECT_THAT(why(TestOcspDer(leaf_, root_, 'g', kNow - 1, kNow + 1)), HasSubstr("another"));
  EXPECT_THAT(why(TestOcspDer(middle_, root_, 'g', kNow - 1, kNow + 1)), HasSubstr("another"));
  EXPECT_THAT(why("what is this"), HasSubstr("no OCSP response"));
  const std::string good = TestOcspDer(leaf_, middle_, 'g', kNow - 1, kNow + 1);
  EXPECT_THAT(why(good.substr(0, good.size() / 2)), HasSubstr("no OCSP response"));
}

TEST_F(ReadersTest, ABundleHasEachAuthorityOnceAndTellsWhichExpiresFirst) {
  const auto soon =
      TestCertificate::Make({.name = "soon", .authority = true, .end_s = kNow + kDay});
  const auto bundle =
      ReadBundle(root_.CertPem() + soon.CertPem() + root_.CertPem(), kNow, problems_);
  ASSERT_TRUE(bundle);
  EXPECT_TRUE(problems_.empty());
  EXPECT_THAT(bundle->certificates_der, ElementsAre(root_.CertDer(), soon.CertDer()));
  EXPECT_EQ(bundle->first_to_expire.subject, "CN=soon");
}

TEST_F(ReadersTest, ABundleWithoutAGoodAuthorityIsRefused) {
  EXPECT_FALSE(ReadBundle("nothing", kNow, problems_));
  EXPECT_THAT(Problem(), HasSubstr("no certificate"));
  problems_.clear();
  const auto expired = TestCertificate::Make({.authority = true, .end_s = kNow});
  EXPECT_TRUE(ReadBundle(expired.CertPem(), kNow, problems_));
  EXPECT_THAT(Problem(), HasSubstr("every authority in it has expired"));
  problems_.clear();
  EXPECT_TRUE(ReadBundle(expired.CertPem() + root_.CertPem(), kNow, problems_));
  EXPECT_THAT(Problem(), HasSubstr("1 of the 2"));
  EXPECT_FALSE(problems_[0].error);
}

TEST_F(ReadersTest, RevocationListsTellTheNextUpdateThatComesFirst) {
  const auto lists = ReadRevocations(
      root_.CrlPem(kNow - 1, kNow + 9) + middle_.CrlPem(kNow - 1, kNow + 5), kNow, problems_);
  ASSERT_TRUE(lists);
  EXPECT_TRUE(problems_.empty());
  EXPECT_EQ(lists->crls_der.size(), 2u);
  EXPECT_EQ(lists->issuer, "CN=middle");
  EXPECT_EQ(lists->next_update_s, kNow + 5);
  const auto der = ReadRevocations(lists->crls_der[0], kNow, problems_);
  ASSERT_TRUE(der);
  EXPECT_EQ(der->crls_der.at(0), lists->crls_der[0]);
}

TEST_F(ReadersTest, RevocationListsThatAreOldOrNoneAreRefused) {
  EXPECT_TRUE(ReadRevocations(root_.CrlPem(kNow - 9, kNow), kNow, problems_));
  EXPECT_THAT(Problem(), HasSubstr("should have been updated"));
  problems_.clear();
  EXPECT_TRUE(ReadRevocations(root_.CrlPem(kNow + 1, kNow + 9), kNow, problems_));
  EXPECT_THAT(Problem(), HasSubstr("not in force before"));
  problems_.clear();
  EXPECT_FALSE(ReadRevocations(root_.CertPem(), kNow, problems_));
  EXPECT_FALSE(ReadRevocations("nothing", kNow, problems_));
  EXPECT_FALSE(ReadRevocations("", kNow, problems_));
}

}  // namespace
}  // namespace lb::controlplane
