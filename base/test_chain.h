// For tests: a root, an intermediate authority below it and a certificate below that, valid now,
// with revocation lists of both authorities. Threading: none.
#pragma once

#include <string>
#include <vector>

#include "base/test_certificate.h"

namespace lb {

class TestChain final {
 public:
  // Of one authority.
  enum class Revoked { kNothing, kWhatItSigned };

  TestChain();

  std::string root() const { return root_.CertDer(); }
  std::string intermediate() const { return intermediate_.CertDer(); }
  // For "web.internal", for servers and for clients.
  const TestCertificate& leaf() const { return leaf_; }
  // Lists in DER. The root's may revoke the intermediate, the intermediate's the leaf.
  std::string RootList(Revoked revoked) const;
  std::string IntermediateList(Revoked revoked) const;

 private:
  const TestCertificate root_;
  const TestCertificate intermediate_;
  const TestCertificate leaf_;
};

}  // namespace lb
