#pragma once
#include <openssl/ssl.h>
#include <string>
#include "dataplane/snapshot/live_state.h"
namespace lb::dataplane::tls {
class ClientContext {
 public:
  bssl::UniquePtr<SSL> NewSsl(const std::string& backend, const std::string& name) const;
  ConnectFailure Classify(const SSL& ssl) const;
  bssl::UniquePtr<SSL_CTX> ctx;
};
}
