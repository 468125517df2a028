#include "controlplane/shell/gossip_transport.h"

#include <array>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/ip/udp.hpp>
#include <boost/asio/post.hpp>
#include <boost/asio/steady_timer.hpp>
#include <map>
#include <optional>
#include <string_view>
#include <utility>

#include "base/overloaded.h"
#include "controlplane/membership/place.h"
#include "controlplane/shell/gossip_guests.h"
#include "controlplane/shell/gossip_seal.h"
#include "controlplane/shell/gossip_sockets.h"
#include "controlplane/shell/gossip_stream.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
using boost::system::error_code;

asio::ip::address IpOf(const swim::Address& address) {
  return asio::ip::make_address(swim::EndpointOf(address).host());
}

// Empty: of a link alone.
std::string IpBytes(const asio::ip::address& address) {
  const absl::StatusOr<Endpoint> ip = Endpoint::FromIp(address.to_string(), 0);
  return ip.ok() ? swim::AddressOf(*ip).ip : std::string();
}

swim::Address AddressOf(const asio::ip::udp::endpoint& endpoint) {
  const absl::StatusOr<Endpoint> ip =
      Endpoint::FromIp(endpoint.address().to_string(), endpoint.port());
  return ip.ok() ? swim::AddressOf(*ip) : swim::Address{};
}

}  // namespace

class GossipTransport::Impl final : public std::enable_shared_from_this<GossipTransport::Impl> {
 public:
  Impl(asio::io_context& io, Sink sink)
      : io_(io), sink_(std::move(sink)), seal_(NewSeal({})), tell_timer_(io) {}

  void Open(swim::OpenGossip open) {
    Close();
    seal_ = NewSeal(open.keys);
    swim::GossipOpened opened{open.generation, absl::OkStatus()};
    absl::StatusOr<GossipSockets> sockets = OpenGossipSockets(io_, open.bind, open.usage);
    opened.status = sockets.status();
    if (sockets.ok()) {
      sockets_ = std::make_shared<GossipSockets>(*std::move(sockets));
      const absl::StatusOr<Endpoint> address =
          open.advertise ? *open.advertise : AddressForOthers(sockets_->bound);
      opened.status = address.status();
      if (address.ok()) opened.address = swim::AddressOf(*address);
      opened.usage_port = sockets_->usage.local_endpoint().port();
    }
    if (opened.status.ok()) {
      Receive(sockets_);
      ReceiveUsage(sockets_);
      Accept(sockets_);
    }
    Tell(std::move(opened));
  }

  void SetKeys(const swim::GossipKeys& keys) { seal_ = NewSeal(keys); }

  void Close() {
    if (sockets_ != nullptr) {
      error_code ignored;
      sockets_->udp.close(ignored);
      sockets_->tcp.close(ignored);
      sockets_->usage.close(ignored);
      sockets_.reset();
    }
    for (auto& [id, stream] : std::exchange(streams_, {})) stream->Close();
  }

  void Send(const swim::SendPacket& packet) {
    if (sockets_ == nullptr) return;
    const std::string datagram =
        seal_->packets.Seal(packet.parts, packet.checksum, GossipSeal::NewNonce());
    error_code error;
    sockets_->udp.send_to(asio::buffer(datagram), {IpOf(packet.to), packet.to.port}, 0, error);
    ++packets_out_;
    bytes_out_ += datagram.size();
    // As if it were lost on the way: whoever waits for an answer tries otherwise.
    if (error) ++send_errors_;
  }

  void Send(const swim::SendUsage& usage) {
    if (sockets_ == nullptr) return;
    error_code error;
    sockets_->usage.send_to(asio::buffer(usage.bytes), {IpOf(usage.to), usage.to.port}, 0, error);
    if (error) ++send_errors_;
  }

  void Start(swim::StartExchange exchange) {
    const auto stream = std::make_shared<GossipStream>(io_, seal_);
    stream->Call({IpOf(exchange.to), exchange.to.port}, exchange.message, exchange.timeout,
                 [self = shared_from_this(), stream, id = exchange.exchange,
                  to = exchange.to.ip](const GossipStream::Result& result) {
                   swim::ExchangeDone done{id, std::nullopt};
                   if (const auto* message = std::get_if<swim::StreamMessage>(&result))
                     done.answer = *message;
                   else
                     self->Drop(std::get<swim::WireError>(result), to);
                   self->Tell(std::move(done));
                   stream->Close();
                 });
  }

  void Reply(swim::StreamReply reply) {
    const auto found = streams_.find(reply.stream);
    if (found == streams_.end()) return;
    found->second->Reply(reply.message, [self = shared_from_this(), id = reply.stream] {
      self->streams_.erase(id);
      if (self->sockets_ != nullptr && std::exchange(self->full_, false))
        self->Accept(self->sockets_);
    });
  }

  void AppendMetrics(std::vector<MetricFamily>& families) const {
    using Type = MetricFamily::Type;
    const auto add = [&](const char* name, const char* help, uint64_t value) {
      MetricFamily family{name, help, Type::kCounter, {}};
      family.Add({}, static_cast<double>(value));
      families.push_back(std::move(family));
    };
    add("lb_gossip_packets_received_total", "Datagrams of members.", packets_in_);
    add("lb_gossip_packets_sent_total", "Datagrams to members.", packets_out_);
    add("lb_gossip_received_bytes_total", "Bytes of datagrams of members.", bytes_in_);
    add("lb_gossip_sent_bytes_total", "Bytes of datagrams to members.", bytes_out_);
    add("lb_gossip_send_errors_total", "Datagrams that the kernel did not take.", send_errors_);
    add("lb_gossip_streams_refused_total",
        "Connections that were closed: too many of one address, or too much to hold.",
        guests_->refused());
  }

 private:
  using SocketsPtr = std::shared_ptr<GossipSockets>;

  static GossipSealPtr NewSeal(const swim::GossipKeys& keys) {
    return std::make_shared<const GossipSeal>(keys);
  }

  void Tell(swim::ClusterEvent event) {
    asio::post(io_, [self = shared_from_this(), event = std::move(event)]() mutable {
      self->sink_(std::move(event));
    });
  }

  void Receive(const SocketsPtr& sockets) {
    sockets->udp.async_wait(asio::socket_base::wait_read,
                            [self = shared_from_this(), sockets](const error_code& error) {
                              if (error || self->sockets_ != sockets) return;
                              self->ReadBurst(*sockets);
                              self->Receive(sockets);
                            });
  }

  void ReadBurst(GossipSockets& sockets) {
    for (int i = 0; i < kMaxBurst; ++i) {
      error_code error;
      asio::ip::udp::endpoint from;
      const size_t bytes = sockets.udp.receive_from(asio::buffer(buffer_), from, 0, error);
      if (error == asio::error::would_block) return;
      // What an earlier datagram met (ICMP) is told by the next call.
      if (error) continue;
      ++packets_in_;
      bytes_in_ += bytes;
      swim::PacketIn packet{AddressOf(from), {}};
      // Of a link alone: no member is reached by it, and nobody could be answered.
      if (packet.from.ip.empty()) continue;
      const swim::WireError wrong =
          seal_->packets.Open(std::string_view(buffer_.data(), bytes), packet.parts);
      if (wrong == swim::WireError::kNone)
        sink_(std::move(packet));
      else
        Drop(wrong, packet.from.ip);
    }
  }

  void ReceiveUsage(const SocketsPtr& sockets) {
    sockets->usage.async_wait(asio::socket_base::wait_read,
                              [self = shared_from_this(), sockets](const error_code& error) {
                                if (error || self->sockets_ != sockets) return;
                                self->ReadUsage(*sockets);
                                self->ReceiveUsage(sockets);
                              });
  }

  void ReadUsage(GossipSockets& sockets) {
    for (int i = 0; i < kMaxBurst; ++i) {
      error_code error;
      asio::ip::udp::endpoint from;
      const size_t bytes = sockets.usage.receive_from(asio::buffer(buffer_), from, 0, error);
      if (error == asio::error::would_block) return;
      if (!error) sink_(swim::UsageIn{std::string(buffer_.data(), bytes)});
    }
  }

  void Accept(const SocketsPtr& sockets) {
    sockets->tcp.async_accept([self = shared_from_this(), sockets](const error_code& error,
                                                                   asio::ip::tcp::socket socket) {
      if (self->sockets_ != sockets) return;
      if (error) return self->AcceptLater(sockets);
      self->Serve(std::move(socket));
      self->full_ = self->streams_.size() >= kMaxStreams;
      if (!self->full_) self->Accept(sockets);
    });
  }

  // Of descriptors, say, there may be none for a while.
  void AcceptLater(const SocketsPtr& sockets) {
    const auto timer = std::make_shared<asio::steady_timer>(io_, kAcceptRetry);
    timer->async_wait([self = shared_from_this(), sockets, timer](const error_code&) {
      if (self->sockets_ == sockets) self->Accept(sockets);
    });
  }

  void Serve(asio::ip::tcp::socket socket) {
    error_code error;
    const asio::ip::tcp::endpoint from = socket.remote_endpoint(error);
    if (error) return;
    std::unique_ptr<GossipGuests::Guest> guest = guests_->Admit(from.address());
    if (guest == nullptr) return;
    const swim::StreamId id = next_stream_++;
    const auto stream = std::make_shared<GossipStream>(io_, seal_);
    streams_.emplace(id, stream);
    stream->Serve({std::move(socket), std::move(guest), kFirstBytesTimeout, kStreamTimeout},
                  [self = shared_from_this(), id,
                   ip = IpBytes(from.address())](const GossipStream::Result& result) {
                    if (const auto* message = std::get_if<swim::StreamMessage>(&result))
                      return self->Tell(swim::StreamIn{id, *message});
                    self->Refuse(id, ip, std::get<swim::WireError>(result));
                  });
  }

  void Refuse(swim::StreamId id, const std::string& from, swim::WireError error) {
    Drop(error, from);
    swim::StreamReply reply{id, std::nullopt};
    if (error != swim::WireError::kNone)
      reply.message = swim::ErrorReply{swim::WireErrorName(error)};
    Reply(std::move(reply));
  }

  // `from`: the bytes of the address.
  void Drop(swim::WireError error, const std::string& from) {
    if (error == swim::WireError::kNone) return;
    ++dropped_.totals[static_cast<size_t>(error)];
    if (swim::IsStrange(error)) NoteStranger(from, error);
    if (std::exchange(telling_, true)) return;
    tell_timer_.expires_after(kTellEvery);
    tell_timer_.async_wait([self = shared_from_this()](const error_code& cancelled) {
      self->telling_ = false;
      if (cancelled) return;
      swim::Dropped dropped = self->dropped_;
      for (const auto& [who, packets] : std::exchange(self->strangers_, {}))
        dropped.strangers.push_back({who.first, who.second, packets});
      self->sink_(std::move(dropped));
    });
  }

  void NoteStranger(const std::string& ip, swim::WireError why) {
    if (ip.empty()) return;
    const std::pair who(ip, why);
    if (strangers_.size() < swim::kMaxStrangersTold || strangers_.contains(who)) ++strangers_[who];
  }

  static constexpr std::chrono::milliseconds kAcceptRetry{100};

  asio::io_context& io_;
  const Sink sink_;
  GossipSealPtr seal_;
  SocketsPtr sockets_;
  std::array<char, swim::kMaxDatagram> buffer_;
  std::map<swim::StreamId, std::shared_ptr<GossipStream>> streams_;
  const std::shared_ptr<GossipGuests> guests_ = std::make_shared<GossipGuests>();
  swim::StreamId next_stream_ = 1;
  bool full_ = false;      // Nobody is accepted until one of them is through.
  swim::Dropped dropped_;  // Since the start; of nobody.
  // Since the last word.
  std::map<std::pair<std::string, swim::WireError>, uint64_t> strangers_;
  bool telling_ = false;
  asio::steady_timer tell_timer_;
  uint64_t packets_in_ = 0;
  uint64_t packets_out_ = 0;
  uint64_t bytes_in_ = 0;
  uint64_t bytes_out_ = 0;
  uint64_t send_errors_ = 0;
};

GossipTransport::GossipTransport(asio::io_context& io, Sink sink)
    : impl_(std::make_shared<Impl>(io, std::move(sink))) {}
GossipTransport::~GossipTransport() { impl_->Close(); }

void GossipTransport::CarryOut(swim::OpenGossip open) { impl_->Open(std::move(open)); }
void GossipTransport::CarryOut(swim::SetGossipKeys keys) { impl_->SetKeys(keys.keys); }
void GossipTransport::CarryOut(swim::CloseGossip) { impl_->Close(); }
void GossipTransport::CarryOut(swim::SendPacket packet) { impl_->Send(packet); }
void GossipTransport::CarryOut(swim::SendUsage usage) { impl_->Send(usage); }
void GossipTransport::CarryOut(swim::StartExchange exchange) { impl_->Start(std::move(exchange)); }
void GossipTransport::CarryOut(swim::StreamReply reply) { impl_->Reply(std::move(reply)); }

void GossipTransport::AppendMetrics(std::vector<MetricFamily>& families) const {
  impl_->AppendMetrics(families);
}

}  // namespace lb::controlplane
