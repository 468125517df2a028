#include "base/test_chain.h"

#include <chrono>
#include <cstdint>

#include "base/time.h"

namespace lb {
namespace {

int64_t NowS() {
  return std::chrono::floor<std::chrono::seconds>(ReadClocks().wall).time_since_epoch().count();
}

TestCertificate::Options AuthorityNamed(const char* name) {
  return {.name = name,
          .key_usage = "critical,keyCertSign,cRLSign",
          .authority = true,
          .begin_s = NowS() - TestCertificate::kDayS,
          .end_s = NowS() + TestCertificate::kDayS};
}

std::string ListOf(const TestCertificate& by, const TestCertificate& of,
                   TestChain::Revoked revoked) {
  std::vector<TestCertificate> certificates;
  if (revoked == TestChain::Revoked::kWhatItSigned) certificates.push_back(of);
  return by.CrlDer(certificates, NowS() - TestCertificate::kDayS, NowS() + TestCertificate::kDayS);
}

}  // namespace

TestChain::TestChain()
    : root_(TestCertificate::Make(AuthorityNamed("root"))),
      intermediate_(TestCertificate::Make(AuthorityNamed("intermediate"), &root_)),
      leaf_(TestCertificate::Make({.name = "web.internal",
                                   .names = "DNS:web.internal",
                                   .usage = "serverAuth,clientAuth",
                                   .begin_s = NowS() - TestCertificate::kDayS,
                                   .end_s = NowS() + TestCertificate::kDayS},
                                  &intermediate_)) {}

std::string TestChain::RootList(Revoked revoked) const {
  return ListOf(root_, intermediate_, revoked);
}

std::string TestChain::IntermediateList(Revoked revoked) const {
  return ListOf(intermediate_, leaf_, revoked);
}

}  // namespace lb
