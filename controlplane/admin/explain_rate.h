// The part of explaining a connection that is about the rate limit of its client. Pure; threading:
// none.
#pragma once

#include "base/endpoint.h"
#include "controlplane/admin/limit_answers.h"
#include "controlplane/snapshot/live_rules.h"
#include "lb/admin/v1/limit.pb.h"

namespace lb::controlplane::explain {

// Adds the check, the client's bucket in each worker and how hosts share the limit; nothing where
// the rule has none.
void CheckRate(const LiveRule& rule, const Endpoint& client, const View& view,
               const ClientReports& reports, admin::v1::ExplainConnectionResponse& out);

}  // namespace lb::controlplane::explain
