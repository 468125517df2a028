// How the hosts of a cluster share one client's rate limit: what each is asked for, what this one
// may give out, and how old all that is. Pure; threading: none.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "controlplane/admin/view.h"
#include "controlplane/config/config.h"
#include "lb/admin/v1/limit.pb.h"

namespace lb::controlplane {

// What one client is to a limit: the leading bits of its address, as RateReport.Client.prefix says.
// `client` is an address, or a network as workers write clients; absent: it is neither (an identity
// of a certificate).
std::optional<uint64_t> ClientPrefixOf(const std::string& client, const RateLimitConfig& limit);

// What workers of this host say of the client; for clients of which no budget is known.
struct LocalRate {
  double connects_per_s = 0;
  double refused_per_s = 0;
};

// `owner`: the rule whose limit it is; empty: the top level's. Absent: no other host shares limits.
std::optional<admin::v1::SharedRate> SharedRateOf(const std::string& owner, uint64_t prefix,
                                                  const RateLimitConfig& limit,
                                                  const LocalRate& local, const View& view);

}  // namespace lb::controlplane
