// What operators want of the cluster, to be carried out in the turn in which they say it. Plain
// values; threading: none.
#pragma once

#include <string>
#include <vector>

#include "base/endpoint.h"

namespace lb::controlplane {

struct MemberOrders {
  std::vector<Endpoint> join;       // IP addresses.
  std::vector<std::string> forget;  // Names as members say them.
};

}  // namespace lb::controlplane
