#include "dataplane/forward/test_tls.h"

#include <openssl/err.h>

#include <algorithm>
#include <csignal>
#include <utility>

#include "base/check.h"
#include "base/sha256.h"

namespace lb::dataplane {

lb::type::v1::ServerTls& EndTls(TestWorker& worker, const TestCertificate& certificate) {
  worker.material().clear_certificates();
  lb::type::v1::CertificatePair& pair = *worker.material().add_certificates();
  pair.set_id(ToHex(Sha256(certificate.CertDer())));
  pair.add_chain_der(certificate.CertDer());
  pair.set_key_der(certificate.KeyDer());
  lb::type::v1::ServerTls& tls = *worker.rule().mutable_tls();
  tls.Clear();
  tls.add_certificates(pair.id());
  tls.set_min_version(lb::type::v1::TLS_VERSION_1_2);
  tls.set_handshake_timeout_ms(10'000);
  return tls;
}

lb::type::v1::BackendTls& SpeakTls(TestWorker& worker, const TestAuthority& authority) {
  worker.material().clear_trust_bundles();
  lb::type::v1::TrustBundle& bundle = *worker.material().add_trust_bundles();
  bundle.set_id(ToHex(Sha256(authority.der())));
  bundle.add_certificates_der(authority.der());
  lb::type::v1::BackendTls& tls = *worker.rule().mutable_backend_tls();
  tls.set_ca(bundle.id());
  tls.set_min_version(lb::type::v1::TLS_VERSION_1_2);
  tls.set_handshake_timeout_ms(10'000);
  return tls;
}

TestSessions::TestSessions(SSL_CTX* context) {
  SSL_CTX_set_app_data(context, this);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT);
  SSL_CTX_sess_set_new_cb(context, Keep);
}

int TestSessions::Keep(SSL* ssl, SSL_SESSION* session) {
  auto* const all = static_cast<TestSessions*>(SSL_CTX_get_app_data(SSL_get_SSL_CTX(ssl)));
  all->newest_.reset(session);
  return 1;  // It is ours now.
}

TlsPeer::TlsPeer(SSL_CTX* context, UniqueFd fd) : fd_(std::move(fd)), ssl_(SSL_new(context)) {
  LB_CHECK(SSL_set_fd(ssl_.get(), fd_.get()) == 1);
  // BoringSSL writes to sockets with write(2).
  std::signal(SIGPIPE, SIG_IGN);
}

TlsPeer TlsPeer::Client(SSL_CTX* context, UniqueFd fd, const std::string& name) {
  TlsPeer peer(context, std::move(fd));
  SSL_set_connect_state(peer.ssl());
  if (!name.empty())
    LB_CHECK(SSL_set_tlsext_host_name(peer.ssl(), name.c_str()) == 1 &&
             SSL_set1_host(peer.ssl(), name.c_str()) == 1);
  return peer;
}

TlsPeer TlsPeer::Server(SSL_CTX* context, UniqueFd fd) {
  TlsPeer peer(context, std::move(fd));
  SSL_set_accept_state(peer.ssl());
  return peer;
}

bool TlsPeer::Handshake() {
  ERR_clear_error();
  if (SSL_do_handshake(ssl()) == 1) return true;
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  error_ = reason == nullptr ? "" : reason;
  return false;
}

bool TlsPeer::Send(std::string_view data) {
  while (!data.empty()) {
    ERR_clear_error();
    const int sent = SSL_write(ssl(), data.data(), static_cast<int>(data.size()));
    if (sent <= 0) return false;
    data.remove_prefix(static_cast<size_t>(sent));
  }
  return true;
}

TlsEnd TlsPeer::EndOf(int result) {
  const int error = SSL_get_error(ssl(), result);
  if (error == SSL_ERROR_ZERO_RETURN) return TlsEnd::kClosed;
  if (error == SSL_ERROR_SYSCALL) return result == 0 ? TlsEnd::kTruncated : TlsEnd::kReset;
  const char* const reason = ERR_reason_error_string(ERR_peek_error());
  error_ = reason == nullptr ? "" : reason;
  return TlsEnd::kFailed;
}

TlsRead TlsPeer::Read(size_t bytes) {
  TlsRead read;
  std::string buffer(64 * 1024, '\0');
  while (read.data.size() < bytes) {
    ERR_clear_error();
    const size_t want = std::min(buffer.size(), bytes - read.data.size());
    const int got = SSL_read(ssl(), buffer.data(), static_cast<int>(want));
    if (got <= 0) {
      read.end = EndOf(got);
      break;
    }
    read.data.append(buffer.data(), static_cast<size_t>(got));
  }
  return read;
}

void TlsPeer::Close(bool fin) {
  ERR_clear_error();
  SSL_shutdown(ssl());
  if (fin) SendFin(fd());
}

}  // namespace lb::dataplane
