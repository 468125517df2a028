// A backend that speaks TLS, for tests of health checks: a handshake, one request read, one reply,
// the end. Threading: the one thread of its io_context.
#pragma once

#include <openssl/ssl.h>

#include <boost/asio/io_context.hpp>
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
  ~TestTlsBackend();

  Endpoint endpoint() const;
  const Seen& seen() const;

 private:
  class State;
  const std::shared_ptr<State> state_;  // Lives on with the connections under way.
};

}  // namespace lb::controlplane
