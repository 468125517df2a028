// Accepts connections on a unix socket and hands their descriptors on, after a look at the peer.
//
// Stands in front of gRPC, whose own listener (1.51) never accepts again after one EMFILE: here a
// shortage pauses accepting and no more. A duplicate of each descriptor is kept to see when the
// connection ends, which is what bounds their number. Threading: the io_context's one thread.
#pragma once

#include <sys/types.h>

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "controlplane/shell/unix_listener.h"

namespace lb::controlplane {

class UnixAcceptor final {
 public:
  // How long accepting rests after EMFILE and the like.
  static constexpr std::chrono::milliseconds kPause{100};
  // At most one log line for each kind of refusal in so long; the counters have all.
  static constexpr std::chrono::seconds kLogInterval{10};

  struct Options {
    UnixListenerOptions listener;
    size_t max_connections = 0;
    // Users let in; absent: whoever the file's mode lets in.
    std::optional<std::vector<uid_t>> allowed_uids;
  };
  struct Counters {
    uint64_t accepted = 0;
    uint64_t refused_uid = 0;
    uint64_t refused_limit = 0;
    uint64_t shortages = 0;  // EMFILE, ENFILE, ENOBUFS, ENOMEM.
  };
  using OnConnection = std::function<void(UniqueFd connection)>;

  // Listens; `on_connection` takes each accepted non-blocking descriptor. Errors as ListenUnix.
  static absl::StatusOr<std::unique_ptr<UnixAcceptor>> Start(boost::asio::io_context& io,
                                                             Options options,
                                                             OnConnection on_connection);
  // Stops and removes the socket file, if it is still ours.
  ~UnixAcceptor();

  size_t connections() const;
  // True when a process of this pid, in our pid namespace, opened one of the open connections.
  bool HasPeer(pid_t pid) const;
  const Counters& counters() const;

 private:
  class Impl;
  explicit UnixAcceptor(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

// The users that may speak on the worker socket: root, ourselves, and the user `name` if there is
// one. Reads the user database, so call it at the start.
std::vector<uid_t> TrustedUids(const std::string& name);

}  // namespace lb::controlplane
