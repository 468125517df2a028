// Listening sockets that the service manager opened for this process, or kept over its restart
// (sd_listen_fds(3)). Threading: none.
#pragma once

#include <vector>

#include "base/sd_notify.h"
#include "dataplane/forward/listening_socket.h"

namespace lb::dataplane {

// Those that listen on an IP address, each for the rule that listens there, with the options of our
// own; what else there is is closed, with a line in the log.
std::vector<PassedSocket> TakeManagerSockets(std::vector<ListenDescriptor> descriptors);

}  // namespace lb::dataplane
