// Replacing a worker without a connection refused, reset or delayed.
//
// A worker that starts takes the listening sockets, and with no control plane in reach the
// configuration, from the running process of its id, which stands aside once this one serves and
// comes back if this one dies early. One that ends leaves its sockets to a neighbour, which gives
// them back when it starts again. What waits to be accepted waits in the same sockets all along
// (unix(7), SCM_RIGHTS). Threading: the control thread; calls may block for a moment.
#pragma once

#include <boost/asio/io_context.hpp>
#include <chrono>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "base/time.h"
#include "dataplane/control/keepsake.h"
#include "dataplane/forward/forwarder.h"
#include "dataplane/handover/handover_client.h"
#include "dataplane/handover/handover_server.h"

namespace lb::dataplane {

class Replacement final {
 public:
  // A running process of our id has this long for each answer. One that hangs is passed over.
  static constexpr std::chrono::milliseconds kPredecessorTimeout{2'000};
  // The same of each neighbour, and of all of them together.
  static constexpr std::chrono::milliseconds kNeighbourTimeout{250};
  static constexpr std::chrono::milliseconds kNeighboursTimeout{1'000};

  // I/O threads have this long to take what was accepted, before rights are given away.
  static constexpr std::chrono::milliseconds kSettleTimeout{500};

  // How often is asked where a process ends instead of answering.
  static constexpr int kAsksMax = 3;

  struct Options {
    Endpoint control;
    std::string id;
    std::string incarnation;
    // Listening sockets of the service manager's.
    std::vector<PassedSocket> sockets;
  };
  struct Events {
    // Another process serves in our place, after our sockets were left to it.
    std::function<void()> replaced;
    // That process is gone, and no other is in its place. Returns whether this one serves again.
    std::function<bool()> alone_again;
    // True when no control plane deals out rights now.
    std::function<bool()> headless;
  };

  // Both outlive it.
  Replacement(boost::asio::io_context& io, Forwarder& forwarder, Keepsake& keepsake,
              Options options, Events events);

  // Before the first configuration: gathers the sockets that there are for us.
  void TakeOver();
  // True when a process of our id ran then.
  bool has_predecessor() const { return has_predecessor_; }
  // Incarnations of our id that we took over from, the newest first; at most kMaxAncestors.
  static constexpr size_t kMaxAncestors = 16;
  const std::vector<std::string>& ancestors() const { return ancestors_; }
  // True while another process has rights to slots from this one.
  bool gave_rights() const { return gave_rights_; }
  // No control plane is in reach, and nothing runs yet: goes on with what the process before ran,
  // unless that one has a control plane: then it serves on, and is asked again by the next call.
  void Restore(Instant now);
  // A configuration is in force: from now on this process is who is asked.
  void Serve();
  // Before accepting stops for good: leaves the sockets to a successor or a neighbour, if there is
  // one.
  void GiveAway();

 private:
  absl::StatusOr<Takeover> AskPredecessor() const;
  void AskNeighbours(std::vector<PassedSocket>& sockets);
  // False: the process before serves on.
  bool SayServing(bool headless);
  void AskAgain();
  void Replace(const std::string& displaced);
  std::string Replaced(bool all);
  void AloneAgain();
  void Listen();

  Forwarder& forwarder_;
  Keepsake& keepsake_;
  Options options_;
  const Events events_;
  HandoverServer server_;
  std::vector<Takeover> sources_;  // The process before first, if there was one.
  std::string keepsake_of_predecessor_;
  std::vector<std::string> ancestors_;
  bool has_predecessor_ = false;
  bool told_ = false;  // The sources know that we serve.
  bool serving_ = false;
  bool gave_rights_ = false;
  bool in_place_ = false;  // Nobody else accepts for this process.
};

}  // namespace lb::dataplane
