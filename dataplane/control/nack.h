// Nacks: why a version was refused, in the words of the contract. Pure.
#pragma once

#include <string>
#include <vector>

#include "dataplane/control/snapshot_receiver.h"
#include "dataplane/control/traffic.h"
#include "dataplane/snapshot/build_tables.h"
#include "lb/worker/v1/worker.pb.h"

namespace lb::dataplane {

// What the problems of one Nack may weigh: the first ones tell enough, the rest are left out, so
// that the message always fits.
inline constexpr size_t kMaxNackBytes = 256u << 10;
inline constexpr size_t kMaxNackMessageBytes = 1024;  // Of one problem.

// A refusal for one reason that has no place in the snapshot.
lb::worker::v1::Nack MakeNack(lb::worker::v1::Nack::Reason reason, const std::string& message);

// A snapshot this worker cannot run. The reason is MISSING_FEATURE when a feature is missing, else
// INVALID when anything is wrong, else RESOURCE_LIMIT.
lb::worker::v1::Nack MakeNack(const std::vector<Problem>& problems);

// Listen addresses that could not be bound: a problem per rule, with the address, the error's text
// and its errno name.
lb::worker::v1::Nack MakeNack(const std::vector<BindFailure>& failures);

// "0.0.0.0:80: Address already in use (EADDRINUSE)".
std::string ToString(const BindFailure& failure);

// The metric label of a reason: "bind_failed".
std::string ReasonLabel(lb::worker::v1::Nack::Reason reason);

}  // namespace lb::dataplane
