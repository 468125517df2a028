// How a connection learns from the ClientHello which route of its rule takes it. The bytes stay in
// the socket: they are passed on like all that follows, untouched.
#include <sys/socket.h>

#include <cerrno>
#include <chrono>
#include <memory>
#include <string_view>
#include <utility>

#include "base/system_calls.h"
#include "dataplane/forward/connection.h"
#include "dataplane/forward/listener_set.h"
#include "dataplane/forward/pump.h"
#include "dataplane/forward/tls_ends.h"
#include "dataplane/tls/client_hello.h"

namespace lb::dataplane {
namespace {

static_assert(tls::kMaxClientHelloBytes <= kScratchBytes, "the shared buffer holds a ClientHello");

// The ClientHello as far as it has come. `scratch` has kMaxClientHelloBytes.
tls::ParsedHello PeekHello(const Side& client, char* scratch) {
  constexpr tls::ParsedHello::State kBad = tls::ParsedHello::State::kBad;
  ssize_t peeked;
  do {
    peeked =
        raw::Recv(client.fd.get(), scratch, tls::kMaxClientHelloBytes, MSG_PEEK | MSG_DONTWAIT);
  } while (peeked < 0 && errno == EINTR);
  if (peeked < 0 && errno == EAGAIN) return {};
  if (peeked <= 0) return {.state = kBad, .why = "the client ended before its ClientHello did"};
  tls::ParsedHello parsed =
      tls::ParseClientHello(std::string_view(scratch, static_cast<size_t>(peeked)));
  if (parsed.state == tls::ParsedHello::State::kNeedMore && client.fin_arrived)
    return {.state = kBad, .why = "the client ended before its ClientHello did"};
  return parsed;
}

// True for the route of clients that no route takes, where there is nobody to take these either.
bool RefusesAll(const RuleTable& route) {
  return route.route->name.empty() && route.backends.empty();
}

}  // namespace

void Connection::AwaitHello() {
  state_ = State::kReadingHello;
  tls_ = std::make_unique<TlsEnds>();
  tls_->handshake = std::make_unique<Handshake>(context_.hellos, this, Handshake::Peer::kClient);
  const auto timeout_ms = static_cast<int64_t>(rule_->table().client_hello_timeout_ms);
  context_.timers.Arm(*this, context_.now + std::chrono::milliseconds(timeout_ms));
  // Behind a PROXY header.
  if (client_.readable) ReadHello();
  Connection* const oldest = context_.hellos.Overdue();
  if (oldest != nullptr) oldest->Refuse(RefuseReason::kTlsTimeout);
}

void Connection::ReadHello() {
  tls::ParsedHello parsed = PeekHello(client_, context_.tools.scratch.get());
  if (parsed.state == tls::ParsedHello::State::kNeedMore) return;
  if (parsed.state == tls::ParsedHello::State::kBad) return Refuse(RefuseReason::kClientHello);
  EndHandshake();
  tls_->passed_sni = std::move(parsed.server_name);
  TakeRoute();
}

void Connection::TakeRoute() {
  const SniTable& sni = *rule_->table().sni;
  rule_ = rule_->Route(sni.RouteOf(tls_->passed_sni));
  rule_->NoteRouted();
  if (RefusesAll(rule_->table())) return Refuse(RefuseReason::kSniNoMatch);
  state_ = State::kConnecting;
  Admit();
}

bool Connection::HasOldRoute() const {
  if (rule_->table().route == nullptr) return false;
  const RuleTable* const rule = context_.rules->Find(rule_->table().name);
  if (rule == nullptr) return false;
  return rule->sni == nullptr ||
         rule->sni->routes[rule->sni->RouteOf(tls_->passed_sni)] != rule_->shared_table();
}

bool Connection::FollowRule(RuleLease rule) {
  const SniTable* const sni = rule->table().sni.get();
  if (sni != nullptr) {
    // It came before there were routes, so that nobody knows whom it asks for.
    if (rule_->table().route == nullptr) return true;
    rule = rule->Route(sni->RouteOf(tls_->passed_sni));
    if (RefusesAll(rule->table())) {
      Refuse(RefuseReason::kSniNoMatch);
      return false;
    }
  }
  if (rule.get() == rule_.get()) return true;
  waiting_->MoveTo(rule->table().line());
  rule_ = std::move(rule);
  link_.ForgetTried();
  return true;
}

}  // namespace lb::dataplane
