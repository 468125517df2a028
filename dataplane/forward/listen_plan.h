// Which addresses tables listen on, and the sockets that are missing for them.
//
// Sockets are made on the control thread for all I/O threads at once: either every new address can
// be bound and listened on by all threads, or nothing happens.
// Threading: the control thread.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "base/endpoint.h"
#include "base/unique_fd.h"
#include "dataplane/forward/forwarder.h"
#include "dataplane/snapshot/tables.h"

namespace lb::dataplane {

// What makes a listening socket the same one in two tables: its address; with port 0 also the
// rule, since each such rule has a port of its own.
using ListenKey = std::pair<Endpoint, std::string>;

ListenKey ListenKeyOf(const RuleTable& rule);

// New sockets of one address, one for each thread.
struct NewListeners {
  Endpoint bound;  // With the port the kernel chose.
  std::vector<UniqueFd> sockets;
};

struct ListenPlan {
  std::map<ListenKey, NewListeners> fresh;
  // Not empty: nothing was kept open.
  std::vector<Forwarder::BindFailure> failures;
};

// Makes listening sockets for what `tables` need and `have` lacks, `threads` of each.
ListenPlan MakeListenPlan(const Tables& tables, const std::map<ListenKey, Endpoint>& have,
                          size_t threads);

}  // namespace lb::dataplane
