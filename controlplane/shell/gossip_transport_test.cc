// Connections of strangers to a member's real sockets.
#include "controlplane/shell/gossip_transport.h"

#include <gtest/gtest.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "base/endpoint.h"
#include "controlplane/membership/gossip.h"
#include "controlplane/shell/gossip_guests.h"

namespace lb::controlplane {
namespace {

namespace asio = boost::asio;
using asio::ip::tcp;

class GossipTransportTest : public testing::Test {
 protected:
  GossipTransportTest() {
    swim::OpenGossip open{};
    open.generation = 1;
    open.bind = Endpoint::FromIp("127.0.0.1", 0).value();
    open.keys.keys = {std::string(16, 'k')};
    transport_.CarryOut(std::move(open));
    RunUntil([&] { return opened_.has_value(); });
  }

  template <typename Condition>
  void RunUntil(const Condition& condition) {
    while (!condition()) io_.run_one();
  }

  // A connection; `closed` follows when the other side closes it.
  struct Stranger {
    explicit Stranger(asio::io_context& io) : socket(io) {}
    tcp::socket socket;
    char byte = 0;
    bool closed = false;
  };
  std::shared_ptr<Stranger> Connect() {
    auto stranger = std::make_shared<Stranger>(io_);
    stranger->socket.connect({asio::ip::make_address("127.0.0.1"), opened_->address.port});
    stranger->socket.async_read_some(asio::buffer(&stranger->byte, 1),
                                     [stranger](const boost::system::error_code& error, size_t) {
                                       stranger->closed = static_cast<bool>(error);
                                     });
    return stranger;
  }

  asio::io_context io_;
  std::optional<swim::GossipOpened> opened_;
  GossipTransport transport_{io_, [&](swim::ClusterEvent event) {
                               if (const auto* opened = std::get_if<swim::GossipOpened>(&event))
                                 opened_ = *opened;
                             }};
};

TEST_F(GossipTransportTest, OneAddressTakesNotAllConnectionsAndHasToSpeakSoon) {
  ASSERT_TRUE(opened_->status.ok()) << opened_->status;
  std::vector<std::shared_ptr<Stranger>> strangers;
  for (size_t i = 0; i <= GossipGuests::kMaxStreamsOfOne; ++i) strangers.push_back(Connect());
  RunUntil([&] { return strangers.back()->closed; });
  EXPECT_FALSE(strangers.front()->closed) << "it has some time";
  RunUntil([&] { return strangers.front()->closed; });
}

}  // namespace
}  // namespace lb::controlplane
