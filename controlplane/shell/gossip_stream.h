// One TCP connection of a member: a message in each direction, then it is closed. Threading: the
// io_context's one thread.
#pragma once

#include <array>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <variant>

#include "base/time.h"
#include "controlplane/membership/messages.h"
#include "controlplane/membership/stream_codec.h"
#include "controlplane/membership/wire_error.h"
#include "controlplane/shell/gossip_guests.h"
#include "controlplane/shell/gossip_seal.h"

namespace lb::controlplane {

class GossipStream final : public std::enable_shared_from_this<GossipStream> {
 public:
  // What came; or why it is no good (kNone: the connection failed, or took too long).
  using Result = std::variant<swim::StreamMessage, swim::WireError>;
  // Called once, unless it is closed before.
  using Done = std::function<void(const Result& result)>;

  GossipStream(boost::asio::io_context& io, GossipSealPtr seal);

  // Connects, sends `message`, reads the answer.
  void Call(const boost::asio::ip::tcp::endpoint& to, const swim::StreamMessage& message,
            Duration timeout, Done done);

  // Somebody who connected; it has so long for its first bytes, and then for the rest.
  struct Visit {
    boost::asio::ip::tcp::socket socket;
    std::unique_ptr<GossipGuests::Guest> guest;
    Duration first_timeout;
    Duration timeout;
  };
  // Reads what it says; Reply follows. What has no room counts as a connection that failed.
  void Serve(Visit visit, Done done);
  // Sends it, and closes; absent: closes. `closed` is called at the end.
  void Reply(const std::optional<swim::StreamMessage>& message, std::function<void()> closed);

  void Close();

 private:
  void SetTimer(Duration timeout);
  void Write(const swim::StreamMessage& message, swim::StreamSide side,
             std::function<void(bool written)> then);
  void Read();
  void Take(size_t bytes);
  void Finish(const Result& result);

  boost::asio::ip::tcp::socket socket_;
  boost::asio::steady_timer timer_;
  std::unique_ptr<GossipGuests::Guest> guest_;  // Null: this member called.
  std::optional<Duration> timeout_;             // From the first bytes on.
  GossipSealPtr seal_;
  std::optional<swim::StreamReader> reader_;
  std::string out_;
  std::array<char, 16'384> in_;
  Done done_;
  std::function<void()> closed_;
};

}  // namespace lb::controlplane
