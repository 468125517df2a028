// How a connection ends TLS for its client and speaks it to its backend.
#include <openssl/err.h>
#include <openssl/ssl.h>

#include <chrono>
#include <memory>
#include <string>
#include <utility>

#include "base/check.h"
#include "dataplane/forward/client_screen.h"
#include "dataplane/forward/connection.h"
#include "dataplane/forward/tls_ends.h"
#include "dataplane/tls/client_context.h"
#include "dataplane/tls/server_context.h"

namespace lb::dataplane {
namespace {

Duration Milliseconds(uint64_t count) {
  return std::chrono::milliseconds(static_cast<int64_t>(count));
}

}  // namespace

void Connection::Secure() {
  const RuleTable& table = rule_->table();
  if (table.sni != nullptr) return AwaitHello();
  if (table.tls == nullptr) return Admit();
  state_ = State::kHandshaking;
  tls_ = std::make_unique<TlsEnds>();
  tls_->client = std::make_unique<tls::RecordStream>(context_.tools.records());
  tls_->handshake =
      std::make_unique<Handshake>(context_.handshakes, this, Handshake::Peer::kClient);
  rule_->counters().handshakes.Add(1);
  context_.timers.Arm(*this, context_.now + Milliseconds(table.tls_handshake_timeout_ms));
  // Behind a PROXY header.
  if (client_.readable) tls_->handshake->Due();
  Connection* const oldest = context_.handshakes.Overdue();
  if (oldest != nullptr)
    oldest->FailHandshake(HandshakeFailure::kOverload, RefuseReason::kTlsTimeout);
}

void Connection::OnHandshakeTurn() {
  if (state_ == State::kHandshaking) return StepClientHandshake();
  LB_CHECK(state_ == State::kConnecting && tls_->backend != nullptr);
  StepBackendHandshake();
}

void Connection::StepClientHandshake() {
  const HandshakeStep step =
      StepHandshake(client_, *tls_->client, [this] { return rule_->table().tls->NewSsl(); });
  switch (step) {
    case HandshakeStep::kWaiting:
      return;
    case HandshakeStep::kAgain:
      return tls_->handshake->Due();
    case HandshakeStep::kClosed:
      return FailHandshake(HandshakeFailure::kClosed, RefuseReason::kTlsHandshake);
    case HandshakeStep::kFailed:
      return FailHandshake(tls::ClassifyHandshakeFailure(), RefuseReason::kTlsHandshake);
    case HandshakeStep::kDone:
      break;
  }
  EndHandshake();
  RuleCounters& counters = rule_->counters();
  counters.handshakes_total.Add(1);
  if (SSL_session_reused(tls_->client->ssl()) == 1) counters.resumed_handshakes_total.Add(1);
  if (!LimitIdentity(*rule_, *tls_->client->ssl(), context_.now))
    return Refuse(RefuseReason::kClientCertRate);
  state_ = State::kConnecting;
  Admit();
}

void Connection::FailHandshake(HandshakeFailure failure, RefuseReason reason) {
  rule_->counters().handshake_failures[static_cast<size_t>(failure)].Add(1);
  tls_->failure = ToString(failure);
  Refuse(reason);
}

void Connection::EndHandshake() {
  if (tls_ == nullptr || tls_->handshake == nullptr) return;
  tls_->handshake.reset();
  context_.timers.Cancel(*this);
  if (state_ == State::kHandshaking) rule_->counters().handshakes.Subtract(1);
}

void Connection::Connected() {
  link_.NoteConnected(*rule_, context_.now);
  const RuleTable& table = rule_->table();
  if (table.backend_tls == nullptr) return Established();
  const std::optional<std::string> header = HeaderForBackend();
  if (!header.has_value()) return Close(CloseReason::kClientReset);
  if (tls_ == nullptr) tls_ = std::make_unique<TlsEnds>();
  const BackendTable& backend = rule_->backend(link_.backend());
  tls_->backend = std::make_unique<tls::RecordStream>(context_.tools.records());
  tls_->backend->Begin(table.backend_tls->NewSsl(backend.name, NameForBackend()));
  {
    const tls::RecordStream::Turn turn(tls_->backend.get());
    tls_->backend->WriteRaw(*header);
  }
  tls_->handshake =
      std::make_unique<Handshake>(context_.handshakes, this, Handshake::Peer::kBackend);
  tls_->handshake->Due();
  context_.timers.Arm(*this, context_.now + Milliseconds(table.backend_handshake_timeout_ms));
}

bool Connection::Secures() const { return tls_ != nullptr && tls_->backend != nullptr; }

void Connection::StepBackendHandshake() {
  const auto made = []() -> bssl::UniquePtr<SSL> { LB_CHECK(false); };
  switch (StepHandshake(link_.side(), *tls_->backend, made)) {
    case HandshakeStep::kWaiting:
      return;
    case HandshakeStep::kAgain:
      return tls_->handshake->Due();
    case HandshakeStep::kClosed:
      return FailConnect(ConnectFailure::kTlsHandshake);
    case HandshakeStep::kFailed:
      return FailConnect(rule_->table().backend_tls->Classify(*tls_->backend->ssl()));
    case HandshakeStep::kDone:
      break;
  }
  EndHandshake();
  BackendCounters& counters = rule_->backend_counters(link_.backend());
  counters.handshakes_total.Add(1);
  if (SSL_session_reused(tls_->backend->ssl()) == 1) counters.resumed_handshakes_total.Add(1);
  tls_->failure = "";
  Established();
}

void Connection::FailConnect(ConnectFailure failure) {
  // A backend need not have a certificate for whatever a client asks for.
  const bool clients_choice = Secures() && failure != ConnectFailure::kTlsTimeout &&
                              rule_->table().pass_sni && !ClientName().empty();
  if (Secures()) tls_->failure = ToString(failure);
  ForgetBackendTls();
  link_.Fail(*rule_, failure, context_.now,
             clients_choice ? BackendLink::Blame::kNobody : BackendLink::Blame::kBackend);
  ConnectNext();
}

void Connection::ForgetBackendTls() {
  if (tls_ == nullptr) return;
  EndHandshake();
  tls_->backend.reset();
}

std::string Connection::NameForBackend() const {
  std::string client = rule_->table().pass_sni ? ClientName() : "";
  return client.empty() ? rule_->backend(link_.backend()).server_name : client;
}

std::string Connection::ClientName() const {
  if (tls_ == nullptr) return "";
  if (tls_->client == nullptr || tls_->client->ssl() == nullptr) return tls_->passed_sni;
  const char* const name = SSL_get_servername(tls_->client->ssl(), TLSEXT_NAMETYPE_host_name);
  return name == nullptr ? "" : name;
}

tls::Facts Connection::TlsFacts() const {
  const auto ssl_of = [](const std::unique_ptr<tls::RecordStream>& stream) {
    return stream == nullptr ? nullptr : stream->ssl();
  };
  tls::Facts facts = tls::FactsOf(ssl_of(tls_->client), ssl_of(tls_->backend));
  if (!tls_->passed_sni.empty()) facts.sni = tls_->passed_sni;
  facts.failure = tls_->failure;
  return facts;
}

// Keeps what a turn of the relay says about an end that left without close_notify. It says nothing
// when the other end had ended before, and nothing came since: then all was there.
void Connection::NoteTruncation(bool was_half_closed, const Pumped& up, const Pumped& down) {
  if (was_half_closed && up.received_bytes + down.received_bytes > 0) tls_->moved_late = true;
  const bool truncated = (up_.ended && up_.truncated) || (down_.ended && down_.truncated);
  if (truncated && (!was_half_closed || tls_->moved_late)) tls_->cut_off = true;
}

// Whether a plain end must be reset, because a FIN would look like a complete stream.
bool Connection::MustReset() const {
  return tls_->cut_off && ((up_.ended && up_.truncated && tls_->backend == nullptr) ||
                           (down_.ended && down_.truncated && tls_->client == nullptr));
}

}  // namespace lb::dataplane
