// The sockets of a cluster's member: datagrams, and TCP connections in both directions. Seals what
// goes out, opens what comes in, and drops what is no good.
//
// Threading: the io_context's one thread.
#pragma once

#include <boost/asio/io_context.hpp>
#include <functional>
#include <memory>
#include <vector>

#include "base/metrics.h"
#include "controlplane/membership/gossip.h"

namespace lb::controlplane {

class GossipTransport final {
 public:
  // Connections of others at once; more wait in the listener's queue. See GossipGuests for what
  // one address may have.
  static constexpr size_t kMaxStreams = 128;
  // One of them has so long to say anything, and then for all that it says and for taking the
  // answer.
  static constexpr std::chrono::seconds kFirstBytesTimeout{3};
  static constexpr std::chrono::seconds kStreamTimeout{10};
  // Datagrams read in one go.
  static constexpr int kMaxBurst = 64;
  // How often it is told what was dropped, at most.
  static constexpr std::chrono::seconds kTellEvery{1};

  using Sink = std::function<void(swim::ClusterEvent)>;

  // `sink` gets events later, never inside a call.
  GossipTransport(boost::asio::io_context& io, Sink sink);
  ~GossipTransport();

  void CarryOut(swim::OpenGossip open);
  void CarryOut(swim::SetGossipKeys keys);
  void CarryOut(swim::CloseGossip close);
  void CarryOut(swim::SendPacket packet);
  void CarryOut(swim::SendUsage usage);
  void CarryOut(swim::StartExchange exchange);
  void CarryOut(swim::StreamReply reply);

  void AppendMetrics(std::vector<MetricFamily>& families) const;

 private:
  class Impl;
  std::shared_ptr<Impl> impl_;
};

}  // namespace lb::controlplane
