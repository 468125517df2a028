// Etags of resources that calls change: equal while what those calls change is equal, so that an
// order can be given for what was seen (AIP-154). Counters and health do not count. Pure;
// threading: none.
#pragma once

#include <optional>
#include <string>

#include "controlplane/admin/failure.h"
#include "controlplane/snapshot/live_rules.h"
#include "lb/admin/v1/admin.pb.h"

namespace lb::controlplane {

// Of state, weights and override as they stand in `backend`; who set them and when is left out.
std::string EtagOf(const admin::v1::Backend& backend);
// Of all its settings but its health check, and of address, weight and state of its backends.
std::string EtagOf(const LiveRule& rule);
// Of its process, and whether it drains.
std::string EtagOf(const admin::v1::Worker& worker);

// An etag that is as different as `content`.
std::string QuotedEtag(const std::string& content);

// A Failure ABORTED ETAG_MISMATCH when `expected` is set and not the etag of `name` now.
std::optional<Failure> CheckEtag(const std::string& name, const std::string& expected,
                                 const std::string& current);

}  // namespace lb::controlplane
