// For tests: OCSP responses. Threading: none.
#pragma once

#include <cstdint>
#include <string>

#include "base/test_certificate.h"

namespace lb::controlplane {

// What a responder says of a certificate that `by` signed: 'g'ood, 'r'evoked, 'u'nknown. Its
// signature is none. Times are seconds since the epoch.
std::string TestOcspDer(const TestCertificate& certificate, const TestCertificate& by, char status,
                        int64_t begin_s, int64_t end_s);

}  // namespace lb::controlplane
