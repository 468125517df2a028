// A listening socket as the worker holds and passes it on.
//
// The control thread and the I/O thread that accepts from it hold the descriptor together, so that
// it can be given to another process at any time. The socket is closed when both have let go, here
// and in every other process that has it. Plain values; threading: none.
#pragma once

#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "base/endpoint.h"
#include "base/unique_fd.h"

namespace lb::dataplane {

using SharedFd = std::shared_ptr<const UniqueFd>;

// What makes a listening socket the same one in two tables: its address; with port 0 also the
// rule, since each such rule has a port of its own.
using ListenKey = std::pair<Endpoint, std::string>;

struct ListeningSocket {
  SharedFd fd;
  size_t thread = 0;   // The I/O thread that accepts from it.
  std::string home{};  // The worker that lent it; empty: it is this worker's own.
};

// All sockets of one address.
struct ListeningAddress {
  Endpoint bound;  // With the port the kernel chose.
  std::vector<ListeningSocket> sockets;
};
using ListeningAddresses = std::map<ListenKey, ListeningAddress>;

// A socket on its way from or to another process, or from the service manager.
struct PassedSocket {
  ListenKey key;
  SharedFd fd;
  std::string home{};  // As above.
};

}  // namespace lb::dataplane
