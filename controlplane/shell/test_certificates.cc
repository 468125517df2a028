#include "controlplane/shell/test_certificates.h"

#include "base/sha256.h"

namespace lb::controlplane {

CertificatePair PairOf(const TestCertificate& certificate) {
  CertificatePair pair;
  pair.chain_der = {certificate.CertDer()};
  pair.key_der = certificate.KeyDer();
  pair.id = Sha256(pair.chain_der[0]);
  return pair;
}

TrustBundle BundleOf(const TestAuthority& authority) {
  TrustBundle bundle;
  bundle.certificates_der = {authority.der()};
  bundle.id = Sha256(bundle.certificates_der[0]);
  return bundle;
}

RevocationList RevocationsOf(const TestAuthority& authority,
                             const std::vector<TestCertificate>& certificates) {
  RevocationList list;
  list.crls_der = {authority.Revoke(certificates)};
  list.id = Sha256(list.crls_der[0]);
  return list;
}

}  // namespace lb::controlplane
