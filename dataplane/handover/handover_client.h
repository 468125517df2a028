// The asking and offering ends of a hand-over: what a worker does when it starts and when it ends.
//
// Every call blocks, at most for its timeout: both ends are on this host. Peers of another user are
// refused. Threading: the control thread.
#pragma once

#include <chrono>
#include <optional>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/unique_fd.h"
#include "dataplane/forward/listening_socket.h"

namespace lb::dataplane {

// A connection to the worker that was asked for its sockets. While it is open, that worker knows
// that this process lives.
class Takeover final {
 public:
  // Asks the worker at `path` for the sockets of `id`; its own with its state, if that is its id.
  // Errors: NotFound: nobody is there; Unavailable: too slow; else what went wrong.
  static absl::StatusOr<Takeover> Ask(const std::string& path, const std::string& id,
                                      std::chrono::milliseconds timeout);

  // All that came; empty afterwards.
  std::vector<PassedSocket> TakeSockets() { return std::move(sockets_); }
  // A serialised Keepsake; empty: the other one runs nothing, or is not of this id.
  const std::string& state() const { return state_; }

  // The incarnations behind it, the newest first; empty: it is not of this id.
  const std::vector<std::string>& took_over() const { return took_over_; }

  // Tells the other one to leave the sockets to this process, which has no control plane if it is
  // `headless`. Returns the rights to slots that it gave up for it, a serialised
  // lb.worker.v1.SlotGrant; empty: none. FailedPrecondition: it does not, and wants no more.
  absl::StatusOr<std::string> SayServing(bool headless);

 private:
  explicit Takeover(UniqueFd socket) : socket_(std::move(socket)) {}
  absl::Status Receive();

  UniqueFd socket_;
  std::vector<PassedSocket> sockets_;
  std::string state_;
  std::vector<std::string> took_over_;
};

// True when a worker of this user listens at `path`.
bool IsListening(const std::string& path);

// Offers the sockets of `home` to the worker at `path`. Returns how many it accepts from now.
// Errors as with Ask.
absl::StatusOr<size_t> OfferSockets(const std::string& path, const std::string& home,
                                    const std::vector<PassedSocket>& sockets,
                                    std::chrono::milliseconds timeout);

}  // namespace lb::dataplane
