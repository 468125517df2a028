#include "base/test_authority.h"

#include <openssl/x509.h>

#include <chrono>
#include <cstdint>

#include "base/check.h"
#include "base/time.h"

namespace lb {
namespace {

using KeyType = TestCertificate::KeyType;

int64_t InDays(int days) {
  const auto now = std::chrono::floor<std::chrono::seconds>(ReadClocks().wall);
  return now.time_since_epoch().count() + days * TestCertificate::kDayS;
}

std::string NamesOf(const TestAuthority::Leaf& leaf) {
  if (leaf.alt_names == "-") return "";
  return leaf.alt_names.empty() ? "DNS:" + leaf.name : leaf.alt_names;
}

}  // namespace

TestAuthority::TestAuthority(const std::string& name)
    : certificate_(TestCertificate::Make({.name = name,
                                          .key_usage = "critical,keyCertSign,cRLSign",
                                          .authority = true,
                                          .begin_s = InDays(-1),
                                          .end_s = InDays(30)})) {}

TestCertificate TestAuthority::Issue(const Leaf& leaf) const {
  return TestCertificate::Make({.name = leaf.name,
                                .names = NamesOf(leaf),
                                .usage = leaf.for_clients ? "clientAuth" : "serverAuth",
                                .begin_s = InDays(leaf.starts_days),
                                .end_s = InDays(leaf.ends_days),
                                .key = leaf.rsa ? KeyType::kRsa2048 : KeyType::kP256},
                               &certificate_);
}

std::string TestAuthority::Revoke(const std::vector<TestCertificate>& certificates) const {
  return certificate_.CrlDer(certificates, InDays(-1), InDays(1));
}

void ShowCertificate(SSL_CTX* context, const TestCertificate& certificate) {
  LB_CHECK(SSL_CTX_use_certificate(context, certificate.x509()) == 1 &&
           SSL_CTX_use_PrivateKey(context, certificate.key()) == 1);
}

bssl::UniquePtr<SSL_CTX> ServerContextOf(const TestCertificate& certificate) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  ShowCertificate(context.get(), certificate);
  return context;
}

bssl::UniquePtr<SSL_CTX> ClientContextOf(const TestAuthority* authority) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  if (authority == nullptr) return context;
  LB_CHECK(X509_STORE_add_cert(SSL_CTX_get_cert_store(context.get()),
                               authority->certificate().x509()) == 1);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  return context;
}

}  // namespace lb
