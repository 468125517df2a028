// How the hosts of a cluster share a client's rate limit, in words. Pure; threading: none.
#pragma once

#include <string>

#include "cli/globals.h"
#include "lb/admin/v1/limit.pb.h"

namespace lb::cli {

// A table of the hosts and sentences on what it means; the last line ends with a newline.
std::string DescribeShared(const Globals& globals, const admin::v1::SharedRate& shared);

// "0.2s"; "12s" from ten seconds on.
std::string SharedAge(const google::protobuf::Duration& age);

}  // namespace lb::cli
