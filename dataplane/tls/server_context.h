#pragma once
#include <openssl/ssl.h>
#include <string>
#include "dataplane/snapshot/live_state.h"
namespace lb::dataplane::tls {
class ServerContext {
 public:
  bssl::UniquePtr<SSL> NewSsl() const {
    bssl::UniquePtr<SSL> ssl(SSL_new(ctx.get()));
    SSL_set_accept_state(ssl.get());
    SSL_set_shed_handshake_config(ssl.get(), 1);
    return ssl;
  }
  bssl::UniquePtr<SSL_CTX> ctx;
};
HandshakeFailure ClassifyHandshakeFailure(const SSL& ssl);
}
