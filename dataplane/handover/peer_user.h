// Whose process is at the other end of a unix socket. Threading: none.
#pragma once

namespace lb::dataplane {

// True when the peer of a connected unix socket runs as the user that this process runs as
// (unix(7), SO_PEERCRED: who it was when it connected or began to listen).
bool IsOwnUser(int socket);

}  // namespace lb::dataplane
