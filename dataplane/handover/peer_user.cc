#include "dataplane/handover/peer_user.h"

#include <sys/socket.h>
#include <unistd.h>

namespace lb::dataplane {

bool IsOwnUser(int socket) {
  ucred peer{};
  socklen_t length = sizeof peer;
  return ::getsockopt(socket, SOL_SOCKET, SO_PEERCRED, &peer, &length) == 0 &&
         peer.uid == ::geteuid();
}

}  // namespace lb::dataplane
