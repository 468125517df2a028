// A backend with manners, good or bad, for tests of what connects to backends.
// Threading: the one thread of its io_context.
#pragma once

#include <boost/asio/generic/stream_protocol.hpp>
#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <memory>
#include <set>
#include <string>

#include "base/endpoint.h"

namespace lb::fakes {

class FakeBackend final {
 public:
  enum class Manner {
    kAnswer,   // Reads a request's beginning, sends `text`, closes.
    kHang,     // Accepts and says nothing.
    kDrip,     // Sends `text` one byte every kDripPause.
    kEndless,  // Sends `text`, then bytes for ever.
  };
  static constexpr std::chrono::milliseconds kDripPause{20};

  // Listens on a free port of 127.0.0.1.
  FakeBackend(boost::asio::io_context& io, Manner manner, std::string text);
  ~FakeBackend();

  Endpoint endpoint() const;
  // Accepted so far, and open now.
  size_t accepted() const { return accepted_; }
  size_t open() const { return open_.size(); }
  // What the first client sent, as far as it was read.
  const std::string& request() const { return request_; }

 private:
  struct Peer;
  void Accept();
  void Serve(const std::shared_ptr<Peer>& peer);
  void SendAll(const std::shared_ptr<Peer>& peer);
  void SendByte(const std::shared_ptr<Peer>& peer, size_t at);
  void SendForEver(const std::shared_ptr<Peer>& peer);
  void End(const std::shared_ptr<Peer>& peer);

  const Manner manner_;
  const std::string text_;
  const std::string filler_;
  boost::asio::ip::tcp::acceptor acceptor_;
  std::set<std::shared_ptr<Peer>> open_;
  size_t accepted_ = 0;
  std::string request_;
};

}  // namespace lb::fakes
