// A backend that speaks TLS, for tests of health checks: a handshake, one request read, one reply,
// the end. Threading: the one thread of its io_context.
#pragma once

#include <openssl/ssl.h>

#include <boost/asio/io_context.hpp>
#include <boost/asio/ip/tcp.hpp>
#include <memory>
#include <string>

#include "base/endpoint.h"

namespace lb::controlplane {

class TestTlsBackend final {
 public:
  // What the last client did.
  struct Seen {
    std::string before_tls;
    std::string server_name;
    std::string alpn;  // Offered, in the wire's form.
    std::string request;
    bool handshake_done = false;
    bool closed_properly = false;  // By close_notify; looked at where the reply is empty.
  };

  // Listens on a free port of 127.0.0.1. Reads `bytes_before_tls` first. An empty reply: the client
  // ends the connection.
  TestTlsBackend(boost::asio::io_context& io, bssl::UniquePtr<SSL_CTX> context, std::string reply,
                 size_t bytes_before_tls = 0);

  Endpoint endpoint() const;
  const Seen& seen() const { return seen_; }

 private:
  struct Peer;
  void Accept();
  void Serve(const std::shared_ptr<Peer>& peer);
  void Handshake(const std::shared_ptr<Peer>& peer);
  void Answer(const std::shared_ptr<Peer>& peer);
  static int NoteAlpn(SSL* ssl, const uint8_t** out, uint8_t* out_bytes, const uint8_t* in,
                      unsigned in_bytes, void* self);

  const bssl::UniquePtr<SSL_CTX> context_;
  const std::string reply_;
  const size_t bytes_before_tls_;
  boost::asio::ip::tcp::acceptor acceptor_;
  Seen seen_;
};

}  // namespace lb::controlplane
