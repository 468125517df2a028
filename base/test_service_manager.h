// For tests: the service manager's end of NOTIFY_SOCKET, a real datagram socket.
// Threading: none.
#pragma once

#include <sys/types.h>

#include <map>
#include <string>
#include <vector>

#include "base/sd_notify.h"
#include "base/unique_fd.h"

namespace lb {

class TestServiceManager final {
 public:
  using Variables = std::map<std::string, std::string>;
  static constexpr pid_t kPid = 4711;  // Of the process that Notify() makes believe to be.

  // What came in one datagram; empty when there was none.
  struct Message {
    std::string text;
    std::vector<UniqueFd> fds;
  };

  // Binds to a path, or to a name in the abstract namespace ("@name").
  explicit TestServiceManager(const std::string& name);

  // An environment of these variables, which outlive it.
  static TakeVariable Take(Variables& variables);

  // Speaks to this manager; `more` are further variables.
  SdNotify Notify(Variables more = {}) const;

  // True when no datagram waits.
  bool Empty() const;

  // The next datagram; does not wait.
  Message Receive() const;

  // All datagrams that wait, one a line.
  std::string ReceiveAll() const;

 private:
  const std::string name_;
  const UniqueFd socket_;
};

}  // namespace lb
