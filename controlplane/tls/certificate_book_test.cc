#include "controlplane/tls/certificate_book.h"

#include <utility>

#include "controlplane/tls/expiry_notices.h"
#include "gmock/gmock.h"
#include "gtest/gtest.h"

namespace lb::controlplane {
namespace {

using std::chrono::hours;
using testing::ElementsAre;
using testing::IsEmpty;
using Kind = CertificateKey::Kind;

constexpr WallTime kStart{hours(24 * 20'000)};

int64_t Seconds(WallTime time) {
  return std::chrono::duration_cast<std::chrono::seconds>(time.time_since_epoch()).count();
}

class CertificateBookTest : public testing::Test {
 protected:
  CertificateBookTest() {
    config_.rules.resize(2);
    config_.rules[0].name = "web";
    config_.rules[1].name = "api";
    config_.rules[0].tls = TlsConfig{.certificates = {files_}, .client_ca = "/ca"};
    config_.rules[1].tls = TlsConfig{.certificates = {files_}};
    config_.rules[1].backend_tls = BackendTlsConfig{.crl = "/crl"};
    CertificatePair& pair = material_.pairs[files_];
    pair.id = "1";
    pair.chain_der = {"leaf", "middle"};
    pair.facts.subject = "CN=a";
    SetEnd(kStart + hours(24 * 100));
    material_.bundles["/ca"].id = "2";
    material_.bundles[""].id = "3";
    material_.revocations["/crl"].id = "4";
  }

  void SetEnd(WallTime end) { material_.pairs[files_].facts.not_after_s = Seconds(end); }

  std::vector<CertificateKey> Take(WallTime now = kStart) {
    return book_.Take(config_, material_, now);
  }

  const CertificateEntry& Server() const { return book_.entries().at(server_); }

  const CertificateFiles files_{"/a.crt", "/a.key", ""};
  const CertificateKey server_{"/a.crt", Kind::kServer};
  Config config_;
  TlsMaterial material_;
  CertificateBook book_;
};

TEST_F(CertificateBookTest, EachFileIsThereOnceWithTheRulesThatUseIt) {
  Take();
  ASSERT_EQ(book_.entries().size(), 4u);
  EXPECT_THAT(Server().rules, ElementsAre("api", "web"));
  EXPECT_EQ(Server().chain_length, 2u);
  EXPECT_EQ(Server().facts.subject, "CN=a");
  EXPECT_THAT(book_.entries().at({"/ca", Kind::kAuthority}).rules, ElementsAre("web"));
  const CertificateKey system{"/etc/ssl/certs/ca-certificates.crt", Kind::kAuthority};
  EXPECT_THAT(book_.entries().at(system).rules, ElementsAre("api"));
  EXPECT_THAT(book_.entries().at({"/crl", Kind::kRevocation}).rules, ElementsAre("api"));
}

TEST_F(CertificateBookTest, ALoadTimeIsThatOfTheContent) {
  EXPECT_EQ(Take().size(), 4u);
  EXPECT_THAT(Take(kStart + hours(1)), IsEmpty());
  EXPECT_EQ(Server().load_time, kStart);
  material_.pairs[files_].id = "new";
  EXPECT_THAT(Take(kStart + hours(2)), ElementsAre(server_));
  EXPECT_EQ(Server().load_time, kStart + hours(2));
}

TEST_F(CertificateBookTest, ARefusedFileIsToldUntilAGoodOneComes) {
  Take();
  EXPECT_THAT(book_.Refuse({{"/a.key", "no key"}, {"/other", "x"}}), ElementsAre(server_));
  EXPECT_EQ(Server().problem, "/a.key: no key");
  EXPECT_EQ(StateOf(Server(), kStart), CertificateState::kRefused);
  EXPECT_THAT(book_.Refuse({{"/a.key", "no key"}}), IsEmpty());
  Take();
  EXPECT_EQ(Server().problem, "");
  EXPECT_EQ(StateOf(Server(), kStart), CertificateState::kValid);
}

TEST_F(CertificateBookTest, AFileThatWasNeverGoodIsRefusedWithTheRulesThatAreLeftOut) {
  material_.pairs.clear();
  const std::vector<RuleConfig> left_out = std::exchange(config_.rules, {});
  EXPECT_THAT(book_.Take(config_, material_, kStart, left_out), IsEmpty());
  EXPECT_THAT(book_.Refuse({{"/a.key", "no key"}}), ElementsAre(server_));
  ASSERT_EQ(book_.entries().size(), 1u);
  EXPECT_THAT(Server().rules, ElementsAre("api", "web"));
  EXPECT_EQ(Server().problem, "/a.key: no key");
  EXPECT_EQ(StateOf(Server(), kStart), CertificateState::kRefused);
}

TEST_F(CertificateBookTest, StatesGoByTheClock) {
  SetEnd(kStart);
  Take();
  EXPECT_EQ(StateOf(Server(), kStart - hours(24 * 15)), CertificateState::kValid);
  EXPECT_EQ(StateOf(Server(), kStart - hours(24 * 13)), CertificateState::kExpiring);
  EXPECT_EQ(StateOf(Server(), kStart), CertificateState::kExpired);
  material_.pairs[files_].facts.not_before_s = Seconds(kStart - hours(1));
  Take();
  EXPECT_EQ(StateOf(Server(), kStart - hours(2)), CertificateState::kNotYetValid);
}

TEST_F(CertificateBookTest, AnEndIsToldOnceForEachThreshold) {
  ExpiryNotices notices;
  SetEnd(kStart);
  Take();
  std::vector<int64_t> told;
  for (WallTime now = kStart - hours(24 * 40); now <= kStart + hours(24 * 2); now += hours(1))
    for (const ExpiryNotice& notice : notices.Take(book_, now)) told.push_back(notice.days_left);
  EXPECT_THAT(told, ElementsAre(30, 14, 7, 1, 0));
}

TEST_F(CertificateBookTest, OfAShortLivedCertificateOnlyTheLastThirdIsNear) {
  ExpiryNotices notices;
  material_.pairs[files_].facts.not_before_s = Seconds(kStart);
  SetEnd(kStart + hours(24 * 6));
  Take();
  EXPECT_EQ(StateOf(Server(), kStart + hours(24 * 4)), CertificateState::kValid);
  EXPECT_EQ(StateOf(Server(), kStart + hours(24 * 4 + 1)), CertificateState::kExpiring);
  std::vector<int64_t> told;
  for (WallTime now = kStart; now <= kStart + hours(24 * 7); now += hours(1))
    for (const ExpiryNotice& notice : notices.Take(book_, now)) told.push_back(notice.days_left);
  EXPECT_THAT(told, ElementsAre(2, 1, 0));
}

TEST_F(CertificateBookTest, AResponseThatGrowsOldIsAnEndOfItsOwn) {
  const CertificateFiles files{"/a.crt", "/a.key", "/a.ocsp"};
  config_.rules[0].tls->certificates = config_.rules[1].tls->certificates = {files};
  material_.pairs[files] = material_.pairs[files_];
  Take();
  EXPECT_EQ(StateOf(Server(), kStart), CertificateState::kExpiring);  // None is stapled.
  material_.pairs[files].ocsp_response_der = "response";
  material_.pairs[files].ocsp_this_update_s = Seconds(kStart);
  material_.pairs[files].ocsp_next_update_s = Seconds(kStart + hours(30));
  Take();
  ExpiryNotices notices;
  EXPECT_EQ(StateOf(Server(), kStart), CertificateState::kValid);
  EXPECT_THAT(notices.Take(book_, kStart), IsEmpty());
  EXPECT_EQ(ExpiryNotices::SecondsToNext(book_, Seconds(kStart)), 20 * 3'600);
  EXPECT_EQ(StateOf(Server(), kStart + hours(21)), CertificateState::kExpiring);
  const auto near = notices.Take(book_, kStart + hours(21));
  ASSERT_EQ(near.size(), 1u);
  EXPECT_TRUE(near[0].response);
  EXPECT_EQ(notices.Take(book_, kStart + hours(30)).at(0).days_left, 0);
}

TEST_F(CertificateBookTest, ARenewedCertificateBeginsAnew) {
  ExpiryNotices notices;
  SetEnd(kStart + hours(1));
  Take();
  EXPECT_EQ(notices.Take(book_, kStart).at(0).days_left, 1);
  material_.pairs[files_].id = "new";
  SetEnd(kStart + hours(24 * 90));
  Take();
  EXPECT_THAT(notices.Take(book_, kStart), IsEmpty());
  EXPECT_EQ(notices.Take(book_, kStart + hours(24 * 61)).at(0).days_left, 30);
}

TEST_F(CertificateBookTest, OfTheSystemsAuthoritiesNothingIsTold) {
  ExpiryNotices notices;
  material_.bundles[""].first_to_expire.not_after_s = Seconds(kStart + hours(1));
  Take();
  EXPECT_THAT(notices.Take(book_, kStart), IsEmpty());
}

TEST_F(CertificateBookTest, ANameOfTheApiHoldsTheFile) {
  EXPECT_EQ(CertificateName("/etc/50%.crt"), "certificates/%2Fetc%2F50%25.crt");
}

}  // namespace
}  // namespace lb::controlplane
