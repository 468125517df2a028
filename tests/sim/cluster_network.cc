// What control planes of a simulated cluster say to each other, and how it gets there.
#include <utility>
#include <variant>

#include "base/check.h"
#include "base/overloaded.h"
#include "controlplane/membership/options.h"
#include "controlplane/membership/place.h"
#include "tests/sim/cluster_world.h"

namespace lb::sim {

namespace swim = controlplane::swim;
using std::chrono::microseconds;

namespace {

constexpr microseconds kOpenTime{200};

// 10.1.0.1 is the first.
size_t HostAt(const swim::Address& address) {
  LB_CHECK(address.ip.size() == 4 && address.ip[0] == 10 && address.ip[1] == 1);
  return static_cast<size_t>(static_cast<uint8_t>(address.ip[3])) - 1;
}

size_t BytesOf(const swim::SendPacket& packet) {
  size_t bytes = swim::kCompoundOverhead;
  for (const std::string& part : packet.parts) bytes += part.size() + swim::kPartOverhead;
  return bytes;
}

}  // namespace

void ClusterWorld::Gossip(size_t host, swim::ClusterAction& action) {
  std::visit(Overloaded{
                 [&](swim::OpenGossip& open) { Opened(host, open); },
                 [&](swim::SendPacket& packet) {
                   ++counts_.packets;
                   counts_.bytes += BytesOf(packet);
                   Datagram(host, packet.to,
                            swim::PacketIn{swim::AddressOf(hosts_[host]->address()),
                                           std::move(packet.parts)});
                 },
                 [&](swim::SendUsage& usage) {
                   ++counts_.usage_packets;
                   counts_.usage_bytes += usage.bytes.size();
                   Datagram(host, usage.to, swim::UsageIn{std::move(usage.bytes)});
                 },
                 [&](swim::StartExchange& call) { Call(host, call); },
                 [&](swim::StreamReply& reply) { Reply(host, reply); },
                 [](const auto&) {},
             },
             action);
}

void ClusterWorld::Opened(size_t host, const swim::OpenGossip& open) {
  swim::GossipOpened opened{open.generation, absl::OkStatus(), swim::AddressOf(open.bind), 0};
  opened.usage_port = static_cast<uint16_t>(opened.address.port + 1);
  queue_.After(kOpenTime, [this, host, opened, life = hosts_[host]->life()] {
    if (hosts_[host]->life() == life) hosts_[host]->Deliver(opened);
  });
}

void ClusterWorld::Datagram(size_t from, const swim::Address& to, swim::ClusterEvent event) {
  const size_t index = HostAt(to);
  Trace(static_cast<uint64_t>(from) << 8 | index);
  for (const Instant arrival : network_.Packet(from, index, queue_.now()))
    queue_.At(arrival, [this, index, event] {
      if (hosts_[index]->listens()) hosts_[index]->Deliver(event);
    });
}

void ClusterWorld::Call(size_t host, swim::StartExchange& call) {
  const size_t to = HostAt(call.to);
  const StreamPtr stream = std::make_shared<Stream>(
      Stream{host, hosts_[host]->life(), call.exchange, queue_.now() + call.timeout});
  queue_.At(stream->until, [this, stream] { End(stream, std::nullopt); });
  const Instant arrival = network_.Connect(host, to, queue_.now());
  if (arrival >= stream->until) return;
  queue_.At(arrival, [this, to, stream, message = std::move(call.message)] {
    Arrived(to, stream, message);
  });
}

void ClusterWorld::Arrived(size_t host, const StreamPtr& stream,
                           const swim::StreamMessage& message) {
  // Nobody takes it on a machine that is down, and the kernel refuses it where nothing listens.
  if (!hosts_[host]->is_machine_up()) return;
  if (!hosts_[host]->listens()) return End(stream, std::nullopt);
  stream->id = next_stream_++;
  streams_.emplace(stream->id, stream);
  hosts_[host]->Deliver(swim::StreamIn{stream->id, message});
}

void ClusterWorld::Reply(size_t host, swim::StreamReply& reply) {
  const auto node = streams_.extract(reply.stream);
  if (node.empty()) return;  // Who called waits no more.
  const StreamPtr stream = node.mapped();
  const Instant arrival = network_.Segment(host, stream->initiator, queue_.now());
  if (arrival >= stream->until) return;
  queue_.At(arrival, [this, stream, answer = std::move(reply.message)] { End(stream, answer); });
}

void ClusterWorld::End(const StreamPtr& stream, std::optional<swim::StreamMessage> answer) {
  if (std::exchange(stream->done, true)) return;
  streams_.erase(stream->id);
  ClusterHost& host = *hosts_[stream->initiator];
  if (host.life() != stream->life) return;
  host.Deliver(swim::ExchangeDone{stream->exchange, std::move(answer)});
}

}  // namespace lb::sim
