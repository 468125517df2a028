// Answers about the files of TLS in force: which there are, and which an operator should look at.
// Pure; threading: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <vector>

#include "controlplane/admin/failure.h"
#include "controlplane/admin/view.h"
#include "controlplane/tls/certificate_book.h"
#include "lb/admin/v1/admin.pb.h"
#include "lb/admin/v1/certificate.pb.h"

namespace lb::controlplane {

// An end that is nearer than this, and in the last third of its lifetime, is worth an alert.
inline constexpr std::chrono::hours kAlertWithin{7 * 24};

// When what the file holds ends, seconds since the epoch; 0: there is no end that anybody here has
// to look after. Of the system's authorities, which are many, the system takes care.
int64_t EndOf(const CertificateKey& key, const CertificateEntry& entry);

// How it stands by that end.
CertificateState StateOf(const CertificateKey& key, const CertificateEntry& entry, WallTime now);

// By file, and by kind where one file is of two. Failures as ListQuery::Read.
Outcome<admin::v1::ListCertificatesResponse> ListCertificates(
    const View& view, const admin::v1::ListCertificatesRequest& request);

// One alert for each file that has expired, expires within kAlertWithin, is not valid yet, of which
// a newer content is refused, or whose OCSP response is in such a state or not stapled; by file.
std::vector<admin::v1::Alert> CertificateAlerts(const View& view);

}  // namespace lb::controlplane
