// Carries out ResolveName with c-ares: A and AAAA merged, or SRV and then the addresses of its
// targets, each query as a whole within DnsConfig.timeout.
//
// Names of /etc/hosts work. An SRV answer of which one target cannot be looked up for want of an
// answer fails as a whole, so that its backends are not taken for removed; a target that does not
// exist is left out. Threading: the io_context's one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <cstddef>
#include <memory>

#include "controlplane/loop/action.h"
#include "controlplane/shell/event_sink.h"

namespace lb::controlplane {

class DnsClient final {
 public:
  // Queries at once; each sends two datagrams to a server whose socket, with Linux's default
  // rmem_default, has room for fewer than 300, and retries come in step. Others wait, first come
  // first served, and their timeout counts from their start.
  static constexpr size_t kMaxInFlight = 64;
  // Most addresses taken from one answer: a bound on what a name server can put on workers.
  static constexpr size_t kMaxEndpoints = 256;

  DnsClient(boost::asio::io_context& io, EventSink sink);
  ~DnsClient();

  // Exactly one Resolved follows for each call, unless the client is destroyed before.
  void Start(ResolveName request);

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
