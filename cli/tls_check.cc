#include "cli/tls_check.h"

#include <netdb.h>
#include <netinet/in.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <poll.h>
#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <cstring>
#include <memory>
#include <string>

#include "absl/strings/str_cat.h"
#include "base/status_macros.h"
#include "base/unique_fd.h"
#include "cli/exit_code.h"

namespace lb::cli {
namespace {

using Clock = std::chrono::steady_clock;

constexpr char kStartHint[] =
    "Is lb-controlplane running? Does its --admin-api say this address?\n"
    "Name another one with --endpoint or LBCTL_ENDPOINT.";

constexpr char kStrangerText[] =
    "the server refuses the certificate in --tls-cert: it comes from an authority that the server "
    "does not know, or is not for clients";
constexpr char kOwnHint[] = "Look at it: openssl x509 -noout -dates -issuer -in FILE";

// One attempt; `where` is for messages.
struct Attempt {
  std::string where;
  Clock::time_point deadline;

  absl::Status Fail(absl::StatusCode code, const char* reason, const std::string& cause,
                    const std::string& hint) const {
    absl::Status status(code,
                        absl::StrCat("cannot reach the control plane at ", where, ": ", cause));
    SetReason(status, reason);
    SetHint(status, hint);
    return status;
  }
  absl::Status Unreachable(const std::string& cause) const {
    return Fail(absl::StatusCode::kUnavailable, "UNREACHABLE", cause, kStartHint);
  }
  absl::Status Refused(const std::string& cause, const std::string& hint) const {
    return Fail(absl::StatusCode::kUnauthenticated, "TLS_REFUSED", cause, hint);
  }

  // Waits for `events`; DeadlineExceeded when they do not come.
  absl::Status Wait(int fd, short events) const {
    for (;;) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(deadline - Clock::now());
      pollfd look{fd, events, 0};
      const int ready = ::poll(&look, 1, static_cast<int>(std::max<int64_t>(left.count(), 0)));
      if (ready > 0) return absl::OkStatus();
      if (ready < 0 && errno == EINTR) continue;
      return Fail(
          absl::StatusCode::kDeadlineExceeded, "UNREACHABLE", "no answer in time",
          "The control plane hangs, is overloaded, or what listens there is no TLS server.");
    }
  }
};

absl::StatusOr<UniqueFd> ConnectTo(const addrinfo& info, const Attempt& attempt) {
  UniqueFd fd(::socket(info.ai_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0));
  if (!fd.valid()) return attempt.Unreachable(std::strerror(errno));
  if (::connect(fd.get(), info.ai_addr, info.ai_addrlen) == 0) return fd;
  if (errno != EINPROGRESS) return attempt.Unreachable(std::strerror(errno));
  LB_RETURN_IF_ERROR(attempt.Wait(fd.get(), POLLOUT));
  int error = 0;
  socklen_t length = sizeof(error);
  ::getsockopt(fd.get(), SOL_SOCKET, SO_ERROR, &error, &length);
  if (error != 0) return attempt.Unreachable(std::strerror(error));
  return fd;
}

absl::StatusOr<UniqueFd> ConnectTcp(const Endpoint& address, const Attempt& attempt) {
  addrinfo hints{};
  hints.ai_socktype = SOCK_STREAM;
  addrinfo* found = nullptr;
  const int error =
      ::getaddrinfo(address.host().c_str(), std::to_string(address.port()).c_str(), &hints, &found);
  if (error != 0) return attempt.Unreachable(::gai_strerror(error));
  const std::unique_ptr<addrinfo, void (*)(addrinfo*)> all(found, ::freeaddrinfo);
  absl::StatusOr<UniqueFd> connected = attempt.Unreachable("no address");
  for (const addrinfo* one = found; one != nullptr && !connected.ok(); one = one->ai_next)
    connected = ConnectTo(*one, attempt);
  return connected;
}

bssl::UniquePtr<BIO> Open(const std::string& pem) {
  return bssl::UniquePtr<BIO>(BIO_new_mem_buf(pem.data(), static_cast<int>(pem.size())));
}

// ReadTlsFiles has checked the files, so what fails here is a bug or lack of memory.
bool Use(SSL_CTX* context, const TlsPems& pems) {
  const bssl::UniquePtr<BIO> ca = Open(pems.ca);
  while (bssl::UniquePtr<X509> one{PEM_read_bio_X509(ca.get(), nullptr, nullptr, nullptr)})
    X509_STORE_add_cert(SSL_CTX_get_cert_store(context), one.get());
  const bssl::UniquePtr<BIO> chain = Open(pems.cert);
  const bssl::UniquePtr<X509> leaf(PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr));
  bool good = leaf != nullptr && SSL_CTX_use_certificate(context, leaf.get()) == 1;
  while (bssl::UniquePtr<X509> one{PEM_read_bio_X509(chain.get(), nullptr, nullptr, nullptr)})
    good = good && SSL_CTX_add1_chain_cert(context, one.get()) == 1;
  const bssl::UniquePtr<EVP_PKEY> key(
      PEM_read_bio_PrivateKey(Open(pems.key).get(), nullptr, nullptr, nullptr));
  good = good && key != nullptr && SSL_CTX_use_PrivateKey(context, key.get()) == 1;
  ERR_clear_error();  // The end of a file counts as an error.
  return good;
}

bool Expect(SSL* ssl, const std::string& server_name) {
  X509_VERIFY_PARAM* expected = SSL_get0_param(ssl);
  if (X509_VERIFY_PARAM_set1_ip_asc(expected, server_name.c_str()) == 1) return true;
  return X509_VERIFY_PARAM_set1_host(expected, server_name.data(), server_name.size()) == 1 &&
         SSL_set_tlsext_host_name(ssl, server_name.c_str()) == 1;
}

absl::Status ExplainVerify(long result, const std::string& server_name, const Attempt& attempt) {
  switch (result) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
      return attempt.Refused("the server's certificate has expired",
                             "Give the control plane a new one (its --tls-cert); it needs no "
                             "restart.");
    case X509_V_ERR_CERT_NOT_YET_VALID:
      return attempt.Refused("the server's certificate is not valid yet",
                             "Compare the clocks of both machines.");
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
      return attempt.Refused(
          absl::StrCat("the server's certificate is not for '", server_name, "'"),
          "Name what it is for with --tls-server-name, or give the server a certificate for this "
          "name.");
    default:
      return attempt.Refused(
          absl::StrCat("the server's certificate is not from an authority in --tls-ca (",
                       X509_verify_cert_error_string(result), ")"),
          "Is --tls-ca that of this cluster?");
  }
}

// What the server's alert means; TLS 1.3 has its own for a missing certificate (RFC 8446 6.2).
absl::Status ExplainAlert(uint32_t error, const Attempt& attempt) {
  switch (ERR_GET_REASON(error)) {
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
      return attempt.Refused("the certificate in --tls-cert has expired", kOwnHint);
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
    case SSL_R_TLSV1_ALERT_DECRYPT_ERROR:
      return attempt.Refused(kStrangerText, kOwnHint);
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_HTTP_REQUEST:
      return attempt.Refused("what listens there does not speak TLS",
                             "Is it the admin API (--admin-api of lb-controlplane)?");
    default:
      const char* text = ERR_reason_error_string(error);
      return attempt.Refused(absl::StrCat("TLS failed: ", text == nullptr ? "closed" : text),
                             kStartHint);
  }
}

// gRPC 1.51 closes without an alert when it refuses a certificate.
absl::Status ExplainClose(SSL* ssl, const Attempt& attempt) {
  const bssl::UniquePtr<X509> theirs(SSL_get_peer_certificate(ssl));
  const X509* const ours = SSL_get_certificate(ssl);
  if (theirs == nullptr || ours == nullptr)
    return attempt.Unreachable("the connection was closed during the TLS handshake");
  if (X509_cmp_current_time(X509_get0_notAfter(ours)) < 0)
    return attempt.Refused("the certificate in --tls-cert has expired", kOwnHint);
  return attempt.Refused(kStrangerText, kOwnHint);
}

// Runs one step of TLS to its end.
template <typename Step>
absl::Status Run(SSL* ssl, int fd, const std::string& server_name, const Attempt& attempt,
                 Step step) {
  for (;;) {
    ERR_clear_error();
    const int result = step(ssl);
    if (result > 0) return absl::OkStatus();
    switch (SSL_get_error(ssl, result)) {
      case SSL_ERROR_WANT_READ:
        LB_RETURN_IF_ERROR(attempt.Wait(fd, POLLIN));
        continue;
      case SSL_ERROR_WANT_WRITE:
        LB_RETURN_IF_ERROR(attempt.Wait(fd, POLLOUT));
        continue;
      case SSL_ERROR_SSL:
        if (SSL_get_verify_result(ssl) != X509_V_OK)
          return ExplainVerify(SSL_get_verify_result(ssl), server_name, attempt);
        return ExplainAlert(ERR_peek_error(), attempt);
      default:
        return ExplainClose(ssl, attempt);
    }
  }
}

}  // namespace

absl::Status CheckTlsReachable(const Endpoint& address, const TlsPems& pems,
                               const std::string& server_name, std::chrono::milliseconds timeout) {
  const Attempt attempt{address.ToString(), Clock::now() + timeout};
  LB_ASSIGN_OR_RETURN(const UniqueFd fd, ConnectTcp(address, attempt));
  const bssl::UniquePtr<SSL_CTX> context(SSL_CTX_new(TLS_method()));
  if (context == nullptr || !Use(context.get(), pems))
    return absl::InternalError("cannot set up TLS");
  SSL_CTX_set_min_proto_version(context.get(), TLS1_2_VERSION);
  SSL_CTX_set_verify(context.get(), SSL_VERIFY_PEER, nullptr);
  const bssl::UniquePtr<SSL> ssl(SSL_new(context.get()));
  constexpr uint8_t kHttp2[] = {2, 'h', '2'};
  if (ssl == nullptr || !Expect(ssl.get(), server_name) || SSL_set_fd(ssl.get(), fd.get()) != 1 ||
      SSL_set_alpn_protos(ssl.get(), kHttp2, sizeof(kHttp2)) != 0)
    return absl::InternalError("cannot set up TLS");
  LB_RETURN_IF_ERROR(Run(ssl.get(), fd.get(), server_name, attempt, SSL_connect));
  // In TLS 1.3 the server judges our certificate after our side of the handshake is over: its first
  // bytes are an HTTP/2 frame, or the alert.
  LB_RETURN_IF_ERROR(Run(ssl.get(), fd.get(), server_name, attempt, [](SSL* connection) {
    char byte = 0;
    return SSL_read(connection, &byte, 1);
  }));
  return absl::OkStatus();
}

}  // namespace lb::cli
