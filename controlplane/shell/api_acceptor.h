// Accepts the connections of an API, on a unix socket or on TCP, in place of gRPC's listener.
//
// Why: gRPC 1.51's own listener stays dead after one EMFILE (CVE-2023-4785); and here a peer on a
// unix socket is known by its user, and connections are counted, bounded and refused with a
// counter. A second descriptor of each connection tells when it is over. Threading: the
// io_context's one thread.
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
#include "controlplane/access/identity.h"
#include "controlplane/shell/api_listener.h"

namespace lb::controlplane {

class ApiAcceptor final {
 public:
  // How long accepting rests after EMFILE and the like.
  static constexpr std::chrono::milliseconds kPause{100};
  // At most so many connections are accepted in so long, those that are refused included: a flood
  // of them takes a tenth of a processor, a quarter of a millisecond at a time, and what shares the
  // processor, such as a worker's traffic, hardly notices. The others wait in the kernel.
  static constexpr int kMaxBurst = 16;
  static constexpr std::chrono::milliseconds kBurstInterval{3};
  // At most one log line for each kind of refusal in so long; the counters have all.
  static constexpr std::chrono::seconds kLogInterval{10};

  // Who the user at the other end of a unix socket is.
  using Identify = std::function<std::optional<Caller>(uid_t uid, const std::vector<gid_t>& gids)>;

  struct Options {
    ApiListenerOptions listener;
    size_t max_connections = 0;
    // Of one IPv4 address or one IPv6 /64; on TCP only.
    size_t max_connections_per_source = 0;
    // On a unix socket: who somebody is; absent: not let in. On TCP the certificate says.
    Identify identify;
    // Tell the processes of a user apart, by pid.
    bool by_process = false;
    // A connection that was taken is over; `peer` as it was then. May be null.
    std::function<void(const Identity& peer)> on_end{};
  };
  struct Counters {
    uint64_t accepted = 0;
    uint64_t refused_uid = 0;
    uint64_t refused_limit = 0;
    uint64_t refused_source = 0;
    uint64_t shortages = 0;  // EMFILE, ENFILE, ENOBUFS, ENOMEM.
  };
  // `peer` is empty on TCP.
  using OnConnection = std::function<void(UniqueFd connection, const Identity& peer)>;

  // Listens; `on_connection` takes each accepted non-blocking descriptor. Errors as ListenApi.
  static absl::StatusOr<std::unique_ptr<ApiAcceptor>> Start(boost::asio::io_context& io,
                                                            Options options,
                                                            OnConnection on_connection);
  // Stops and removes the socket file, if it is still ours.
  ~ApiAcceptor();

  // Where it listens, with the port that the kernel chose.
  const Endpoint& address() const;
  size_t connections() const;
  const Counters& counters() const;

  // Ends every connection, as if its peer had.
  void HangUp();

 private:
  class Impl;
  explicit ApiAcceptor(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
