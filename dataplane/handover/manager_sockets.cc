#include "dataplane/handover/manager_sockets.h"

#include <memory>
#include <utility>

#include "base/endpoint.h"
#include "base/log.h"
#include "dataplane/forward/socket_options.h"
#include "dataplane/handover/packet.h"

namespace lb::dataplane {

std::vector<PassedSocket> TakeManagerSockets(std::vector<ListenDescriptor> descriptors) {
  std::vector<PassedSocket> sockets;
  for (ListenDescriptor& descriptor : descriptors) {
    if (!IsTcpListener(descriptor.fd.get())) {
      LogWarn("not used: the service manager passed something that is not a listening TCP socket",
              {{"name", descriptor.name}});
      continue;
    }
    // Accepted sockets have them from the listening one (socket_options.h).
    DisableNagle(descriptor.fd.get());
    EnableKeepalive(descriptor.fd.get());
    const ListenKey key{BoundEndpoint(descriptor.fd.get()), ""};
    sockets.push_back({key, std::make_shared<const UniqueFd>(std::move(descriptor.fd))});
  }
  return sockets;
}

}  // namespace lb::dataplane
