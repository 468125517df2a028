// Listening sockets that the service manager keeps for the next start of this unit, so that clients
// wait meanwhile and are not refused: sd_notify(3), FDSTORE=1. Threading: the control thread.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "base/sd_notify.h"
#include "dataplane/forward/listening_socket.h"

namespace lb::dataplane {

class DescriptorStore final {
 public:
  // FileDescriptorStoreMax= of our unit; the manager closes what is more. Of addresses with several
  // sockets fewer are stored, so that each has one.
  static constexpr size_t kMaxStored = 512;

  // `manager` outlives it; nullptr: there is none, and every call does nothing. `names` are those
  // of the descriptors that it passed to this process.
  explicit DescriptorStore(const SdNotify* manager, const std::vector<std::string>& names = {});

  // Makes the store hold our own of these sockets, and no others of ours, those of a process before
  // included: nobody would accept what waits in them. False: it did not take all now; call again.
  bool Keep(const std::vector<PassedSocket>& sockets);
  // Takes all of ours out. False: as above.
  bool Drop() { return Keep({}); }

 private:
  using Sockets = std::map<std::string, std::set<SharedFd>>;

  static Sockets Wanted(const std::vector<PassedSocket>& sockets);
  // One name's part of Keep.
  absl::Status Say(const std::string& name, const std::set<SharedFd>& fds) const;

  const SdNotify* manager_;
  Sockets kept_;  // By name in the store; none: what it has of the name is not known.
};

}  // namespace lb::dataplane
