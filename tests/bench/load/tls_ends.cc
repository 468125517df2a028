#include "tests/bench/load/tls_ends.h"

#include <openssl/err.h>

#include <algorithm>
#include <cerrno>
#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace lb::bench {
namespace {

// TLS_AES_128_GCM_SHA256, as SSL_CIPHER_get_id gives it. Both ends of BoringSSL prefer it on
// processors that have AES; there is no way to offer nothing else in TLS 1.3.
constexpr uint32_t kCipher = TLS1_CK_AES_128_GCM_SHA256;

bssl::UniquePtr<SSL_CTX> NewContext(const SSL_METHOD* method) {
  bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(method));
  LB_CHECK(context != nullptr);
  LB_CHECK(SSL_CTX_set_min_proto_version(context.get(), TLS1_3_VERSION) == 1);
  LB_CHECK(SSL_CTX_set_max_proto_version(context.get(), TLS1_3_VERSION) == 1);
  LB_CHECK(SSL_CTX_set1_curves_list(context.get(), "X25519") == 1);
  SSL_CTX_set_mode(context.get(),
                   SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER);
  return context;
}

bssl::UniquePtr<SSL> NewEnd(SSL_CTX* context, int fd) {
  if (context == nullptr) return nullptr;
  bssl::UniquePtr<SSL> ssl(SSL_new(context));
  LB_CHECK(ssl != nullptr && SSL_set_fd(ssl.get(), fd) == 1);
  return ssl;
}

// What a result that is no success comes to.
ssize_t Outcome(SSL& ssl, int result) {
  switch (SSL_get_error(&ssl, result)) {
    case SSL_ERROR_WANT_READ:
    case SSL_ERROR_WANT_WRITE:
      return kTlsNotNow;
    case SSL_ERROR_ZERO_RETURN:
      return 0;
    case SSL_ERROR_SYSCALL:
      // The socket's error, or its end without a close_notify.
      if (result == 0 || errno == 0) errno = ECONNRESET;
      return errno == ENOTCONN ? kTlsNotNow : kTlsBroken;
    default:
      errno = EPROTO;
      return kTlsBroken;
  }
}

// Calls `step` until all bytes are through or it has no more; an outcome other than bytes is told
// when there are none before it, else at the next call.
template <typename Step>
ssize_t Repeat(SSL& ssl, size_t bytes, const Step& step) {
  size_t done = 0;
  while (done < bytes) {
    ERR_clear_error();
    errno = 0;
    const int result = step(done);
    if (result <= 0) return done > 0 ? static_cast<ssize_t>(done) : Outcome(ssl, result);
    done += static_cast<size_t>(result);
  }
  return static_cast<ssize_t>(done);
}

}  // namespace

absl::StatusOr<std::unique_ptr<TlsEnds>> TlsEnds::Make(const Options& options) {
  std::unique_ptr<TlsEnds> ends(new TlsEnds(options.client));
  if (options.client != Client::kPlain) {
    // It does as little as it can: certificates are neither parsed nor verified.
    ends->client_context_ = NewContext(TLS_with_buffers_method());
    SSL_CTX_set_custom_verify(ends->client_context_.get(), SSL_VERIFY_NONE,
                              [](SSL*, uint8_t*) { return ssl_verify_ok; });
    SSL_CTX_set_session_cache_mode(ends->client_context_.get(), SSL_SESS_CACHE_CLIENT);
    SSL_CTX_sess_set_new_cb(ends->client_context_.get(), &TlsEnds::KeepSession);
    LB_CHECK(SSL_CTX_set_ex_data(ends->client_context_.get(), 0, ends.get()) == 1);
  }
  if (!options.backend_cert.empty()) {
    ends->server_context_ = NewContext(TLS_method());
    SSL_CTX* const context = ends->server_context_.get();
    if (SSL_CTX_use_certificate_chain_file(context, options.backend_cert.c_str()) != 1 ||
        SSL_CTX_use_PrivateKey_file(context, options.backend_key.c_str(), SSL_FILETYPE_PEM) != 1) {
      return absl::InvalidArgumentError(absl::StrCat(
          "no certificate and key: ", options.backend_cert, ", ", options.backend_key));
    }
  }
  return ends;
}

int TlsEnds::KeepSession(SSL* ssl, SSL_SESSION* session) {
  auto* const ends = static_cast<TlsEnds*>(SSL_CTX_get_ex_data(SSL_get_SSL_CTX(ssl), 0));
  ends->session_.reset(session);
  return 1;  // It is ours now.
}

bssl::UniquePtr<SSL> TlsEnds::NewClient(int fd) {
  bssl::UniquePtr<SSL> ssl = NewEnd(client_context_.get(), fd);
  if (ssl == nullptr) return nullptr;
  SSL_set_connect_state(ssl.get());
  if (client_ == Client::kResumed && session_ != nullptr) {
    LB_CHECK(SSL_set_session(ssl.get(), session_.get()) == 1);
  }
  return ssl;
}

bssl::UniquePtr<SSL> TlsEnds::NewServer(int fd) {
  bssl::UniquePtr<SSL> ssl = NewEnd(server_context_.get(), fd);
  if (ssl != nullptr) SSL_set_accept_state(ssl.get());
  return ssl;
}

bool TlsEnds::CountHandshake(const SSL& ssl) {
  const bool resumed = SSL_session_reused(&ssl) == 1;
  if (SSL_is_server(&ssl) == 1) {
    ++counts_.backend;
    counts_.backend_resumed += resumed;
  } else {
    ++counts_.clients;
    counts_.clients_resumed += resumed;
  }
  return SSL_CIPHER_get_id(SSL_get_current_cipher(&ssl)) == kCipher;
}

ssize_t TlsSend(SSL& ssl, const char* data, size_t bytes) {
  return Repeat(ssl, bytes, [&](size_t done) {
    return SSL_write(&ssl, data + done, static_cast<int>(bytes - done));
  });
}

ssize_t TlsReceive(SSL& ssl, char* data, size_t bytes) {
  return Repeat(ssl, bytes, [&](size_t done) {
    return SSL_read(&ssl, data + done, static_cast<int>(bytes - done));
  });
}

}  // namespace lb::bench
