#include "controlplane/shell/probe_tls_end.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/x509.h>

#include <utility>

#include "absl/strings/str_cat.h"
#include "base/check.h"

namespace lb::controlplane {
namespace {

constexpr size_t kReadBytes = 4096;  // At once; of a larger record the rest follows.

ProbeTlsEnd& EndOf(const SSL* ssl) { return *static_cast<ProbeTlsEnd*>(SSL_get_ex_data(ssl, 0)); }

int Size(std::string_view bytes) { return static_cast<int>(bytes.size()); }

}  // namespace

ProbeTlsEnd::ProbeTlsEnd(bssl::UniquePtr<SSL> ssl, const std::vector<std::string>& alpn,
                         VerifiedBy by)
    : by_(std::move(by)), ssl_(std::move(ssl)) {
  BIO* const in = BIO_new(BIO_s_mem());
  BIO* const out = BIO_new(BIO_s_mem());
  LB_CHECK(in != nullptr && out != nullptr);
  BIO_set_mem_eof_return(in, -1);  // Empty means wait, not the end.
  SSL_set_bio(ssl_.get(), in, out);
  SSL_set_connect_state(ssl_.get());
  SSL_set_app_data(ssl_.get(), this);
  std::string wire;
  for (const std::string& name : alpn)
    absl::StrAppend(&wire, std::string(1, static_cast<char>(name.size())), name);
  // Returns 0 for success.
  LB_CHECK(SSL_set_alpn_protos(ssl_.get(), reinterpret_cast<const uint8_t*>(wire.data()),
                               static_cast<unsigned>(wire.size())) == 0);
  Handshake();
}

void ProbeTlsEnd::SetCallbacks(SSL_CTX* context) {
  SSL_CTX_set_cert_verify_callback(context, Verify, nullptr);
  SSL_CTX_set_cert_cb(context, CertificateWanted, nullptr);
  SSL_CTX_set_session_cache_mode(context, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL_STORE);
  SSL_CTX_sess_set_new_cb(context, TicketCame);
}

std::string ProbeTlsEnd::Receive(std::string_view wire) {
  LB_CHECK(BIO_write(SSL_get_rbio(ssl_.get()), wire.data(), Size(wire)) == Size(wire));
  if (state_ == State::kHandshake) Handshake();
  return state_ == State::kOpen ? Read() : "";
}

void ProbeTlsEnd::Send(std::string_view plaintext) {
  LB_CHECK(state_ == State::kOpen);
  if (plaintext.empty()) return;
  ERR_clear_error();
  const int written = SSL_write(ssl_.get(), plaintext.data(), Size(plaintext));
  if (written <= 0) Fail(written);
}

void ProbeTlsEnd::SendClose() {
  if (state_ != State::kOpen && state_ != State::kEnded) return;
  if ((SSL_get_shutdown(ssl_.get()) & SSL_SENT_SHUTDOWN) != 0) return;
  SSL_shutdown(ssl_.get());
  ERR_clear_error();
}

std::string ProbeTlsEnd::TakeWire() {
  BIO* const out = SSL_get_wbio(ssl_.get());
  const uint8_t* data = nullptr;
  size_t bytes = 0;
  LB_CHECK(BIO_mem_contents(out, &data, &bytes) == 1);
  std::string wire(reinterpret_cast<const char*>(data), bytes);
  LB_CHECK(BIO_reset(out) == 1);
  return wire;
}

bool ProbeTlsEnd::IsUnderScrutiny() const {
  return state_ == State::kOpen && certificate_wanted_ && !ticket_came_ &&
         SSL_version(ssl_.get()) >= TLS1_3_VERSION;
}

int ProbeTlsEnd::Verify(X509_STORE_CTX* store, void*) {
  const auto* ssl = static_cast<const SSL*>(
      X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx()));
  const int good = X509_verify_cert(store);
  ProbeTlsEnd& end = EndOf(ssl);
  if (good != 1) end.problem_ = CertificateProblem(store, end.by_);
  return good;
}

int ProbeTlsEnd::CertificateWanted(SSL* ssl, void*) {
  EndOf(ssl).certificate_wanted_ = true;
  return 1;
}

int ProbeTlsEnd::TicketCame(SSL* ssl, SSL_SESSION*) {
  EndOf(ssl).ticket_came_ = true;
  return 0;  // Not kept.
}

void ProbeTlsEnd::Handshake() {
  ERR_clear_error();
  const int result = SSL_do_handshake(ssl_.get());
  if (result != 1) return Fail(result);
  state_ = State::kOpen;
  problem_.clear();  // With verification ignored there may be one.
}

std::string ProbeTlsEnd::Read() {
  std::string plaintext;
  char buffer[kReadBytes];
  while (true) {
    ERR_clear_error();
    const int bytes = SSL_read(ssl_.get(), buffer, sizeof(buffer));
    if (bytes <= 0) {
      Fail(bytes);
      return plaintext;
    }
    plaintext.append(buffer, static_cast<size_t>(bytes));
  }
}

// Takes what a call of BoringSSL that did not succeed says: wait, the end, or a failure.
void ProbeTlsEnd::Fail(int result) {
  const int error = SSL_get_error(ssl_.get(), result);
  if (error == SSL_ERROR_WANT_READ || error == SSL_ERROR_WANT_WRITE) return;
  if (error == SSL_ERROR_ZERO_RETURN) {
    state_ = State::kEnded;
    return;
  }
  state_ = State::kFailed;
  const bool had_none = SSL_get_certificate(ssl_.get()) == nullptr;
  if (problem_.empty())
    problem_ = HandshakeProblem(ERR_peek_error(), certificate_wanted_ && had_none);
  ERR_clear_error();
}

}  // namespace lb::controlplane
