// Listening sockets that the service manager keeps for the next start of this unit, so that clients
// wait meanwhile and are not refused: sd_notify(3), FDSTORE=1. Threading: the control thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "base/sd_notify.h"
#include "dataplane/forward/listening_socket.h"

namespace lb::dataplane {

class DescriptorStore final {
 public:
  // `manager` outlives it; nullptr: there is none, and every call does nothing.
  explicit DescriptorStore(const SdNotify* manager) : manager_(manager) {}

  // Makes the store hold our own of these sockets, and no others of ours.
  void Keep(const std::vector<PassedSocket>& sockets);
  // Takes all of ours out.
  void Drop() { Keep({}); }

 private:
  const SdNotify* manager_;
  std::map<std::string, std::set<SharedFd>> kept_;  // By name in the store.
};

}  // namespace lb::dataplane
