// Certificates of lb's rules as table rows. Pure; time is an argument.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "base/time.h"
#include "cli/table.h"
#include "lb/admin/v1/certificate.pb.h"

namespace lb::cli {

// "server", "backend", "authority", "revocation"
const char* KindText(lb::admin::v1::Certificate::Kind kind);
Cell StateCell(lb::admin::v1::Certificate::State state);

// Until its end, which it has; negative: since then. Seconds, since an end may be the last day of
// year 9999 ("never", RFC 5280 4.1.2.5), which no WallTime holds.
std::chrono::seconds TimeLeft(const lb::admin::v1::Certificate& certificate, WallTime now);
// The same until the next update of its OCSP response, which it has.
std::chrono::seconds ResponseTimeLeft(const lb::admin::v1::Certificate& certificate, WallTime now);
// "in 43d", "3d ago"; empty: it has no end.
std::string EndText(const lb::admin::v1::Certificate& certificate, WallTime now);
// "web, api and 3 more"
std::string RulesText(const lb::admin::v1::Certificate& certificate);

std::vector<Column> CertificateColumns(bool wide);
Row CertificateRow(const lb::admin::v1::Certificate& certificate, bool wide, WallTime now);

}  // namespace lb::cli
