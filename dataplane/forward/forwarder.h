// All I/O threads of the worker behind one door: takes new tables, tells totals, drains.
//
// Threading: every method is called from the control thread only; values travel to the I/O threads
// by posting.
#pragma once

#include <chrono>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "dataplane/forward/listening_socket.h"
#include "dataplane/snapshot/tables.h"

namespace lb::dataplane {

class ConnectionWalk;

class Forwarder final {
 public:
  struct Options {
    size_t threads = 1;  // 1 to kMaxThreads.
    // Client connections open at once, at most what RLIMIT_NOFILE allows: each costs two
    // descriptors. 0: just that.
    uint64_t max_connections = 0;
    uint64_t seed = 0;        // Staggers the threads' round robin.
    std::string worker = "";  // Its id, for the access log.
  };
  static constexpr size_t kMaxThreads = 256;

  // A listen address that could not be bound.
  struct BindFailure {
    std::string rule;
    Endpoint listen;
    int error = 0;  // errno
  };

  explicit Forwarder(Options options);
  ~Forwarder();  // Closes everything at once and joins the threads.

  // Starts the I/O threads.
  absl::Status Start();

  // Puts `tables` in force on every thread: binds what is new, swaps, then closes what is gone
  // (after accepting what was already waiting there). When an address cannot be bound, nothing
  // changes and the failures are returned. Returns when all threads run the new tables.
  std::vector<BindFailure> Apply(std::shared_ptr<const Tables> tables);

  // Sockets that the next Apply listens on before it binds new ones. What it has no use for is let
  // go with it.
  void Inherit(std::vector<PassedSocket> sockets);
  // All sockets listened on now, for another process.
  std::vector<PassedSocket> sockets() const;
  // Accepts from sockets of another worker too, `home`, until Release or until no rule listens
  // there. Returns those that it took: a rule must listen on their address.
  std::vector<PassedSocket> Adopt(std::vector<PassedSocket> sockets);
  void Release(const std::string& home);
  // Another process accepts from our sockets: what waits in them when they are let go is left to
  // it. Until ResumeAccepting.
  void LeaveQueues();

  // Stops accepting: lets the listening sockets go (after accepting what was waiting).
  void StopAccepting();
  // Listens again where the tables in force say. Failures as with Apply.
  std::vector<BindFailure> ResumeAccepting();
  // Closes all connections, counted as kDrain.
  void CloseConnections();

  // Opens the file of the access log anew, for whoever moved it away.
  void ReopenAccessLog();

  // Makes a walk begin on every thread, or go on after it was allowed more. A walk over as many
  // threads as this has.
  void Run(const std::shared_ptr<ConnectionWalk>& walk);

  // Client connections open now, over all rules, removed ones too.
  uint64_t connections() const;
  // As AccessLog::error.
  std::string access_log_error() const;
  // Where a rule really listens (the port, when the tables said 0); nullopt when it does not.
  std::optional<Endpoint> listening(const std::string& rule) const;

  // Counters that belong to no rule.
  struct ThreadTotals {
    std::vector<uint64_t> connections;                            // Open now, by I/O thread.
    std::vector<std::pair<std::string, uint64_t>> accept_errors;  // By errno name: "EMFILE".
    uint64_t access_log_lines = 0;
    uint64_t access_log_dropped = 0;  // For want of room, or because they could not be written.
  };
  ThreadTotals totals() const;

  // True when every I/O thread answered a ping within `within` (for /livez).
  bool Alive(std::chrono::milliseconds within) const;

 private:
  class Impl;
  std::unique_ptr<Impl> impl_;
};

}  // namespace lb::dataplane
