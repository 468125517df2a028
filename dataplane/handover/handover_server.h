// The answering end of hand-overs: gives this worker's sockets to a process that replaces it, takes
// those of neighbours that end, and gives those back when they start again.
//
// Serves processes of the same user only. Bounded: kMaxSessions at once. Runs on the io_context it
// is given. Threading: that context's thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/statusor.h"
#include "dataplane/forward/listening_socket.h"

namespace lb::dataplane {

class HandoverServer final {
 public:
  static constexpr size_t kMaxSessions = 16;

  // What the worker does and knows. None of them may destroy the server.
  struct Owner {
    // All sockets that it accepts from.
    std::function<std::vector<PassedSocket>()> sockets;
    // A serialised Keepsake; empty: it runs no configuration.
    std::function<std::string()> state;
    // Our incarnation and those that we took over from, the newest first.
    std::function<std::vector<std::string>()> took_over;
    // A process of the same id accepts from them now, from all of them or not: it does not have
    // those that came after it asked. Returns the rights to slots given up for it,
    // a serialised lb.worker.v1.SlotGrant; empty: none.
    std::function<std::string(bool all)> replaced;
    // False: this worker serves with a control plane, and a process without one is not to replace
    // it.
    std::function<bool()> gives_way_to_headless;
    // The process that had replaced it is gone.
    std::function<void()> alone_again;
    // Accepts from these sockets too; returns from how many.
    std::function<size_t(std::vector<PassedSocket>)> adopt;
    // The worker `home` accepts from its sockets again.
    std::function<void(const std::string& home)> release;
  };

  HandoverServer(boost::asio::io_context& io, std::string id, Owner owner);
  ~HandoverServer();

  // Listens at the path, in the place of whoever did. Returns the path where that one can be asked
  // from now on, for the caller to remove; empty: nobody listened there. Errors: the path and
  // errno's text.
  absl::StatusOr<std::string> Listen(const std::string& path);

  // True while the path that it listens at leads here, and not to another process.
  bool is_at_path() const;
  // True while a process of our id lives that has our sockets, whether it serves yet or not.
  bool has_successor() const;
  // True while such a one has all that we accept from.
  bool has_heir_of_all() const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb::dataplane
