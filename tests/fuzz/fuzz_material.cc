// Material of TLS in a snapshot on any bytes: a certificate with its key, authorities and revoked
// certificates that a worker makes contexts of, or says why not. What is accepted makes contexts
// that begin a handshake.

#include <openssl/err.h>

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "base/check.h"
#include "dataplane/tls/client_context.h"
#include "dataplane/tls/server_context.h"
#include "lb/type/v1/snapshot.pb.h"

namespace {

using namespace lb::dataplane::tls;

// What is refused must not look like the error of a handshake that comes later.
void CheckRefusal(const absl::Status& status) {
  LB_CHECK(status.code() == absl::StatusCode::kInvalidArgument && !status.message().empty());
  LB_CHECK(ERR_peek_error() == 0);
}

std::shared_ptr<const Pair> MakePair(const lb::type::v1::Snapshot& snapshot) {
  if (snapshot.certificates().empty()) return nullptr;
  const auto pair = ParsePair(snapshot.certificates(0));
  if (!pair.ok()) {
    CheckRefusal(pair.status());
    return nullptr;
  }
  LB_CHECK(ERR_peek_error() == 0 && !(*pair)->chain.empty());
  return *pair;
}

std::shared_ptr<const Trust> MakeTrust(const lb::type::v1::Snapshot& snapshot) {
  if (snapshot.trust_bundles().empty()) return nullptr;
  const auto trust =
      Trust::Make(snapshot.trust_bundles(0),
                  snapshot.revocation_lists().empty() ? nullptr : &snapshot.revocation_lists(0));
  if (!trust.ok()) {
    CheckRefusal(trust.status());
    return nullptr;
  }
  LB_CHECK(ERR_peek_error() == 0);
  return *trust;
}

// Moves what one end wrote to the other.
void Flush(SSL* from, SSL* to) {
  char bytes[4'096];
  int got = 0;
  while ((got = BIO_read(SSL_get_wbio(from), bytes, sizeof bytes)) > 0)
    LB_CHECK(BIO_write(SSL_get_rbio(to), bytes, got) == got);
}

void TryHandshake(const std::shared_ptr<const Pair>& pair,
                  const std::shared_ptr<const Trust>& trust) {
  static const auto keys = std::make_shared<const TicketKeys>();
  ServerContext::Settings settings;
  settings.rule = "web";
  settings.certificates = std::make_shared<const Certificates>(std::vector{pair});
  settings.trust = trust;
  const ServerContext server_context(settings, keys);
  ClientContext::Settings client_settings;
  client_settings.trust = trust;
  client_settings.pair = pair;
  const ClientContext client_context(client_settings);
  const auto server = server_context.NewSsl();
  const auto client = client_context.NewSsl("a", "web.example");
  for (SSL* ssl : {server.get(), client.get()})
    SSL_set_bio(ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
  for (int i = 0; i < 4; ++i) {
    SSL_do_handshake(client.get());
    Flush(client.get(), server.get());
    SSL_do_handshake(server.get());
    Flush(server.get(), client.get());
  }
  ERR_clear_error();
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  lb::type::v1::Snapshot snapshot;
  if (!snapshot.ParseFromArray(data, static_cast<int>(size))) return 0;
  const std::shared_ptr<const Pair> pair = MakePair(snapshot);
  const std::shared_ptr<const Trust> trust = MakeTrust(snapshot);
  if (pair != nullptr) TryHandshake(pair, trust);
  return 0;
}
