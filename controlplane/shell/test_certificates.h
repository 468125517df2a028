// Certificates of tests as the control plane's material and as gRPC's servers take them.
// Threading: none.
#pragma once

#include <string>
#include <vector>

#include "base/test_authority.h"
#include "controlplane/tls/material.h"

namespace lb::controlplane {

// Ids are of the content, as of real material.
CertificatePair PairOf(const TestCertificate& certificate);
TrustBundle BundleOf(const TestAuthority& authority);
RevocationList RevocationsOf(const TestAuthority& authority,
                             const std::vector<TestCertificate>& certificates);

}  // namespace lb::controlplane
