// What operators want of the cluster, to be carried out in the turn in which they say it. Plain
// values; threading: none.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "controlplane/membership/serf_query.h"

namespace lb::controlplane {

struct MemberOrders {
  std::vector<Endpoint> join;       // IP addresses.
  std::vector<std::string> forget;  // Names as members say them.
  bool leave = false;
  // To be asked of all members.
  struct Keys {
    uint64_t round = 0;
    swim::KeyVerb verb = swim::KeyVerb::kList;
    std::string key{};
  };
  std::vector<Keys> keys;
};

}  // namespace lb::controlplane
