#include "dataplane/tls/client_context.h"

#include <openssl/x509.h>
#include <openssl/x509v3.h>

#include <limits>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"
#include "base/endpoint.h"
#include "dataplane/tls/suites.h"
#include "dataplane/tls/wall.h"

namespace lb::dataplane::tls {
namespace {

void FreeSessions(void*, void* sessions, CRYPTO_EX_DATA*, int, long, void*) {  // NOLINT
  const std::unique_ptr<Sessions> gone(static_cast<Sessions*>(sessions));
}

int SessionsIndex() {
  static const int index = SSL_CTX_get_ex_new_index(0, nullptr, nullptr, nullptr, FreeSessions);
  return index;
}

void FreePeer(void*, void* peer, CRYPTO_EX_DATA*, int, long, void*) {  // NOLINT
  const std::unique_ptr<std::string> gone(static_cast<std::string*>(peer));
}

int PeerIndex() {
  static const int index = SSL_get_ex_new_index(0, nullptr, nullptr, nullptr, FreePeer);
  return index;
}

// When its session is of no use any more, in seconds since the epoch: where certificates are not
// verified nobody asks for their dates.
int64_t EndOf(const SSL* ssl, const SSL_SESSION* session) {
  if (SSL_get_verify_mode(ssl) == SSL_VERIFY_NONE) return std::numeric_limits<int64_t>::max();
  const X509* const certificate = SSL_SESSION_get0_peer(session);
  return certificate == nullptr ? 0 : SecondsOf(X509_get0_notAfter(certificate));
}

// Asks of the certificate that it is for `name`, by no other than a subject alternative name.
void VerifyName(SSL* ssl, const std::string& name, bool is_address) {
  X509_VERIFY_PARAM* const param = SSL_get0_param(ssl);
  X509_VERIFY_PARAM_set_hostflags(param, X509_CHECK_FLAG_NEVER_CHECK_SUBJECT);
  const int set = is_address ? X509_VERIFY_PARAM_set1_ip_asc(param, name.c_str())
                             : X509_VERIFY_PARAM_set1_host(param, name.data(), name.size());
  // One that cannot be asked for must not pass for none.
  LB_CHECK(set == 1);
}

}  // namespace

ClientContext::ClientContext(Settings settings)
    : settings_(std::move(settings)),
      sessions_(std::make_unique<Sessions>().release()),
      context_(SSL_CTX_new(TLS_method())) {
  SSL_CTX* const context = context_.get();
  LB_CHECK(context != nullptr);
  SetSuites(context, settings_.only_1_3);
  LB_CHECK(SSL_CTX_set_ex_data(context, SessionsIndex(), sessions_) == 1);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL);
  SSL_CTX_sess_set_new_cb(context, KeepSession);
  const std::string alpn = AlpnWire(settings_.alpn);
  if (!alpn.empty())
    LB_CHECK(SSL_CTX_set_alpn_protos(context, reinterpret_cast<const uint8_t*>(alpn.data()),
                                     static_cast<unsigned>(alpn.size())) == 0);
  if (settings_.trust != nullptr) settings_.trust->Install(context);
}

bssl::UniquePtr<SSL> ClientContext::NewSsl(const std::string& backend,
                                           const std::string& name) const {
  bssl::UniquePtr<SSL> ssl(SSL_new(context_.get()));
  LB_CHECK(ssl != nullptr);
  SSL_set_connect_state(ssl.get());
  SSL_set_shed_handshake_config(ssl.get(), 1);
  if (settings_.pair != nullptr) LB_CHECK(ShowPair(*settings_.pair, ssl.get()));
  const bool is_address = Endpoint::FromIp(name, 0).ok();
  if (!name.empty() && !is_address) SSL_set_tlsext_host_name(ssl.get(), name.c_str());
  if (!name.empty() && settings_.trust != nullptr) VerifyName(ssl.get(), name, is_address);
  auto peer = std::make_unique<std::string>(absl::StrCat(backend, "\n", name));
  if (const auto session = sessions_->Take(*peer, WallSeconds()); session != nullptr)
    SSL_set_session(ssl.get(), session.get());
  LB_CHECK(SSL_set_ex_data(ssl.get(), PeerIndex(), peer.release()) == 1);
  return ssl;
}

int ClientContext::KeepSession(SSL* ssl, SSL_SESSION* session) {
  auto* const sessions =
      static_cast<Sessions*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), SessionsIndex()));
  const auto* const peer = static_cast<const std::string*>(SSL_get_ex_data(ssl, PeerIndex()));
  LB_CHECK(sessions != nullptr && peer != nullptr);
  sessions->Put(*peer, bssl::UniquePtr<SSL_SESSION>(session), EndOf(ssl, session));
  return 1;  // The session is ours now.
}

}  // namespace lb::dataplane::tls
