// Answers about limits, about the clients that use them, and about what would become of one
// client's next connection: what the configuration and the counters say, with what workers
// reported. Pure; threading: none.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "controlplane/admin/view.h"
#include "lb/admin/v1/limit.pb.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::controlplane {

// What workers and budgets call the limit of each identity of a client certificate, behind its
// owner.
inline constexpr char kClientCertLimit[] = "/client_cert";

// What each worker that answered said.
using ClientReports = std::map<WorkerKey, worker::v1::ClientReport>;

// Whose rate limit the rule goes by; empty: the top level's.
std::string RateOwnerOf(const LiveRule& rule);

// `rule`: its name; empty: all.
admin::v1::ListLimitsResponse DescribeLimits(const View& view, const std::string& rule,
                                             const ClientReports& reports);

// At most `limit` clients.
admin::v1::ListClientsResponse DescribeClients(const View& view, size_t limit,
                                               admin::v1::ListClientsRequest::Order order,
                                               const ClientReports& reports);

// The bandwidth limits that the connections of these rules meet, clients' before backends'. `rule`
// as in DescribeLimits.
std::vector<admin::v1::Limit> DescribeBandwidths(const View& view, const std::string& rule,
                                                 const ClientReports& reports);

// What other hosts use of one bandwidth limit of the rule; absent: no other host shares it.
// `client` as in RateReport, with an empty `backend`; 0 otherwise.
std::optional<admin::v1::SharedBandwidth> SharedBandwidthOf(const LiveRule& rule, uint64_t client,
                                                            const std::string& backend,
                                                            const View& view);

// Whom the rule's limits meet when `client` connects, through the proxy `via` if there is one: the
// proxy itself where its header is not read. Both are IP endpoints, whose ports say nothing.
const Endpoint& ClientMet(const LiveRule& rule, const Endpoint& client,
                          const std::optional<Endpoint>& via);

// `client` is that of ClientMet, of which the reports are; `server_name` is what it asks for in its
// ClientHello, as CanonicalHostName writes it; empty: no name.
admin::v1::ExplainConnectionResponse DescribeConnection(
    const LiveRule& rule, const Endpoint& client, const std::optional<Endpoint>& via,
    const std::string& server_name, const View& view, const ClientReports& reports);

}  // namespace lb::controlplane
