// Which addresses tables listen on, and the sockets for them.
//
// Sockets are made on the control thread for all I/O threads at once: either every new address can
// be bound and listened on, or nothing happens. Threading: the control thread.
#pragma once

#include <vector>

#include "dataplane/forward/forwarder.h"
#include "dataplane/forward/listening_socket.h"
#include "dataplane/snapshot/tables.h"

namespace lb::dataplane {

ListenKey ListenKeyOf(const RuleTable& rule);

struct ListenPlan {
  ListeningAddresses addresses;  // All that the tables name.
  // Not empty: nothing new was kept open, and there are no addresses.
  std::vector<Forwarder::BindFailure> failures;
};

// Plans what `tables` need: addresses of `have` stay as they are; the others get the sockets that
// `passed` has for them and, for threads that these leave without one, new ones.
ListenPlan MakeListenPlan(const Tables& tables, const ListeningAddresses& have,
                          const std::vector<PassedSocket>& passed, size_t threads);

}  // namespace lb::dataplane
