// One client's end of TLS for a health check: wire bytes in and out, plaintext in and out.
//
// Knows no socket, so that a check that hangs costs no read or write buffer. Threading: none.
#pragma once

#include <openssl/ssl.h>

#include <string>
#include <string_view>
#include <vector>

#include "controlplane/shell/tls_problem.h"

namespace lb::controlplane {

class ProbeTlsEnd final {
 public:
  enum class State {
    kHandshake,
    kOpen,
    kEnded,   // The backend said close_notify.
    kFailed,  // problem() says why.
  };

  // Begins the handshake. `ssl` comes from ProbeTlsContexts; `alpn` are the protocols offered, best
  // first; `by` is for texts.
  ProbeTlsEnd(bssl::UniquePtr<SSL> ssl, const std::vector<std::string>& alpn, VerifiedBy by);
  ProbeTlsEnd(const ProbeTlsEnd&) = delete;
  ProbeTlsEnd& operator=(const ProbeTlsEnd&) = delete;

  // What contexts need for the ends made of them.
  static void SetCallbacks(SSL_CTX* context);

  // Takes bytes of the wire and goes on with them. Returns the plaintext in them.
  std::string Receive(std::string_view wire);
  // Encrypts. Requires kOpen.
  void Send(std::string_view plaintext);
  // Says close_notify, once; nothing before the handshake is over or after a failure.
  void SendClose();
  // What is to be written on the wire and was not taken yet.
  std::string TakeWire();

  State state() const { return state_; }
  // "certificate expired 2026-01-02"
  const std::string& problem() const { return problem_; }
  // "TLSv1.3"
  const char* version() const { return SSL_get_version(ssl_.get()); }
  // Whether the backend may yet refuse us although our side of the handshake is over: in TLS 1.3 it
  // looks at our certificate after that (RFC 8446 section 2).
  bool IsUnderScrutiny() const;

 private:
  static int Verify(X509_STORE_CTX* store, void*);
  static int CertificateWanted(SSL* ssl, void*);
  static int TicketCame(SSL* ssl, SSL_SESSION*);
  void Handshake();
  std::string Read();
  void Fail(int result);

  const VerifiedBy by_;
  const bssl::UniquePtr<SSL> ssl_;
  State state_ = State::kHandshake;
  std::string problem_;
  bool certificate_wanted_ = false;
  bool ticket_came_ = false;
};

}  // namespace lb::controlplane
