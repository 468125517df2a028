// What a rule does about TLS, in words and in counters. Pure; threading: none.
#pragma once

#include "controlplane/admin/totals.h"
#include "controlplane/snapshot/live_rules.h"
#include "lb/admin/v1/admin.pb.h"

namespace lb::controlplane {

// Sets the fields of TLS, but for `sni_total`.
void DescribeTls(const LiveRule& rule, const RuleTotals& totals, admin::v1::Rule& out);

// "TLS 1.2 and newer", "TLS 1.3"
const char* VersionsFrom(TlsVersion oldest);

}  // namespace lb::controlplane
