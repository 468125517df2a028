#include "base/tls_trust.h"

#include <string>
#include <utility>

#include "base/test_chain.h"
#include "gtest/gtest.h"

namespace lb {
namespace {

using Revoked = TestChain::Revoked;

class TlsTrustTest : public testing::Test {
 protected:
  // What is said of the leaf, when its peer shows the intermediate too: X509_V_OK or why not.
  int Verify(std::vector<std::string_view> authorities,
             std::optional<std::vector<std::string_view>> crls) {
    const auto store = MakeTrustStore({std::move(authorities), std::move(crls)});
    EXPECT_TRUE(store.ok()) << store.status();
    const bssl::UniquePtr<X509> leaf = ParseCertificate(chain_.leaf().CertDer());
    const bssl::UniquePtr<STACK_OF(X509)> shown(sk_X509_new_null());
    EXPECT_TRUE(bssl::PushToStack(shown.get(), ParseCertificate(intermediate_)));
    const bssl::UniquePtr<X509_STORE_CTX> context(X509_STORE_CTX_new());
    EXPECT_EQ(X509_STORE_CTX_init(context.get(), store->get(), leaf.get(), shown.get()), 1);
    const bool good = X509_verify_cert(context.get()) == 1;
    const int error = X509_STORE_CTX_get_error(context.get());
    EXPECT_EQ(good, error == X509_V_OK);
    return error;
  }

  const TestChain chain_;
  const std::string root_ = chain_.root();
  const std::string intermediate_ = chain_.intermediate();
  const std::string root_list_ = chain_.RootList(Revoked::kNothing);
  const std::string root_revokes_ = chain_.RootList(Revoked::kWhatItSigned);
  const std::string list_ = chain_.IntermediateList(Revoked::kNothing);
  const std::string revokes_ = chain_.IntermediateList(Revoked::kWhatItSigned);
};

TEST_F(TlsTrustTest, WhatIsBelowARevokedIntermediateIsRevoked) {
  EXPECT_EQ(Verify({root_}, {{root_list_, list_}}), X509_V_OK);
  EXPECT_EQ(Verify({root_}, {{root_list_, revokes_}}), X509_V_ERR_CERT_REVOKED);
  EXPECT_EQ(Verify({root_}, {{root_revokes_, list_}}), X509_V_ERR_CERT_REVOKED);
}

TEST_F(TlsTrustTest, EachAuthorityOnTheWayNeedsItsList) {
  EXPECT_EQ(Verify({root_}, {{list_}}), X509_V_ERR_UNABLE_TO_GET_CRL);
  EXPECT_EQ(Verify({root_}, {{root_list_}}), X509_V_ERR_UNABLE_TO_GET_CRL);
  EXPECT_EQ(Verify({root_}, {std::vector<std::string_view>{}}), X509_V_ERR_UNABLE_TO_GET_CRL);
  EXPECT_EQ(Verify({root_}, std::nullopt), X509_V_OK);
}

TEST_F(TlsTrustTest, AnIntermediateThatIsTrustedForItselfNeedsNoListOfTheRoot) {
  EXPECT_EQ(Verify({intermediate_}, {{list_}}), X509_V_OK);
  EXPECT_EQ(Verify({intermediate_}, {{revokes_}}), X509_V_ERR_CERT_REVOKED);
  EXPECT_EQ(Verify({intermediate_}, {{root_list_, list_}}), X509_V_OK);
  EXPECT_EQ(Verify({intermediate_}, {{root_revokes_, list_}}), X509_V_ERR_CERT_REVOKED);
  EXPECT_EQ(Verify({intermediate_}, {{root_list_}}), X509_V_ERR_UNABLE_TO_GET_CRL);
}

TEST_F(TlsTrustTest, AListThatAnotherKeySignedIsNone) {
  const std::string forged = TestChain().RootList(Revoked::kNothing);
  EXPECT_EQ(Verify({root_}, {{forged, list_}}), X509_V_ERR_CRL_SIGNATURE_FAILURE);
}

TEST_F(TlsTrustTest, WhatDoesNotParseIsNamed) {
  EXPECT_EQ(MakeTrustStore({{root_, "x"}}).status().message(), "authority 2 is no certificate");
  EXPECT_EQ(MakeTrustStore({{root_}, {{list_, root_list_, "x"}}}).status().message(),
            "revocation list 3 is none");
  EXPECT_EQ(ParseCertificate(root_ + "x"), nullptr);
  EXPECT_EQ(ParseCrl(list_ + "x"), nullptr);
}

}  // namespace
}  // namespace lb
