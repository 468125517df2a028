// One c-ares channel whose sockets and timer live in an io_context.
//
// A channel is made for one name and thrown away: /etc/resolv.conf and /etc/hosts are read anew
// each time, and cancelling is destroying. Threading: the io_context's one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "absl/status/status.h"
#include "absl/status/statusor.h"
#include "base/endpoint.h"
#include "controlplane/config/config.h"

namespace lb::controlplane {

class AresChannel final {
 public:
  // How often an unanswered query is sent before its server counts as silent.
  static constexpr int kTries = 3;

  struct Addresses {
    std::vector<Endpoint> endpoints;  // IP endpoints, as they came.
    std::chrono::seconds ttl{0};      // The smallest; 0 for names of /etc/hosts.
  };
  using OnAddresses = std::function<void(absl::StatusOr<Addresses>)>;
  using OnReply = std::function<void(absl::Status, const unsigned char* reply, size_t bytes)>;

  // Asks the servers of `dns`, or those of /etc/resolv.conf; search domains apply only to a name
  // without a dot. Errors: Internal with c-ares' text.
  static absl::StatusOr<std::unique_ptr<AresChannel>> Create(boost::asio::io_context& io,
                                                             const DnsConfig& dns,
                                                             bool name_has_dot);
  // Ends what is under way; the callbacks of those queries are called with Cancelled.
  ~AresChannel();

  // Looks up A and AAAA records, /etc/hosts first. `done` may be called at once, and must not
  // destroy the channel.
  void LookUpAddresses(const std::string& name, uint16_t port, OnAddresses done);

  // Looks up SRV records and gives the raw reply. As above.
  void LookUpSrv(const std::string& name, OnReply done);

 private:
  class Impl;
  explicit AresChannel(std::shared_ptr<Impl> impl);
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
