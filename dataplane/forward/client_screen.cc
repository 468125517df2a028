#include "dataplane/forward/client_screen.h"

#include <sys/socket.h>

#include <cerrno>
#include <string>
#include <string_view>

#include "base/system_calls.h"
#include "dataplane/forward/pump.h"
#include "dataplane/forward/socket_options.h"
#include "dataplane/tls/peer_identity.h"

namespace lb::dataplane {

static_assert(proxy::kMaxHeaderBytes <= kScratchBytes, "the shared buffer holds a header");

namespace {

// False when the client has no token and is to be refused.
bool TakesToken(ThreadRule& rule, RateLimiter& limiter, ClientPrefix client, Instant now) {
  if (limiter.Admit(client, now)) return true;
  if (!rule.table().rate_limit_counts_only) return false;
  rule.counters().would_refuse.Add(1);
  return true;
}

}  // namespace

std::optional<RefuseReason> ScreenSocket(const RuleTable& table, int fd) {
  const SocketAddress peer = PeerAddress(fd);
  if (table.proxy != nullptr && table.proxy->accept_from.has_value()) {
    // A client that is gone already is nobody that may send a header.
    if (peer.length != 0 && table.proxy->accept_from->Allows(peer)) return std::nullopt;
    if (table.proxy->refuse_others) return RefuseReason::kProxyHeader;
  }
  if (MayConnect(table, peer)) return std::nullopt;
  return RefuseReason::kDenied;
}

bool ExpectsHeader(const ProxyTable& proxy, int fd) {
  if (!proxy.accept_from.has_value()) return false;
  if (proxy.accept_from->AllowsEverybody()) return true;
  const SocketAddress peer = PeerAddress(fd);
  return peer.length != 0 && proxy.accept_from->Allows(peer);
}

bool MayConnect(const RuleTable& table, const SocketAddress& client) {
  if (table.access == nullptr) return true;
  return client.length != 0 && table.access->Allows(client);
}

bool LimitsBeforeHeader(const RuleTable& table, int fd) {
  return LimitsClients(table) && (table.proxy == nullptr || !ExpectsHeader(*table.proxy, fd));
}

std::optional<RefuseReason> LimitClient(ThreadRule& rule, const SocketAddress& client, Instant now,
                                        std::unique_ptr<ClientConnections::Hold>& hold) {
  const RuleTable& table = rule.table();
  RateLimiter* const limiter = table.rate_limiter.get();
  if (limiter != nullptr &&
      !TakesToken(rule, *limiter, PrefixOf(client, limiter->prefix_lengths()), now))
    return RefuseReason::kRateLimit;
  if (table.client_connections == nullptr) return std::nullopt;
  hold = table.client_connections->TryHold(client);
  if (hold == nullptr) return RefuseReason::kClientLimit;
  return std::nullopt;
}

bool LimitIdentity(ThreadRule& rule, const SSL& ssl, Instant now) {
  const RuleTable& table = rule.table();
  if (table.identity_limiter == nullptr) return true;
  const std::string identity = tls::PeerIdentity(ssl);
  if (identity.empty()) return true;
  const ClientPrefix client = ClientNames::Of(identity);
  table.identities->Note(client, identity);
  return TakesToken(rule, *table.identity_limiter, client, now);
}

bool WithReset(const RuleTable& table, RefuseReason reason) {
  // A reset might overtake the alert that says why.
  if (reason == RefuseReason::kTlsHandshake) return false;
  const bool above_rate =
      reason == RefuseReason::kRateLimit || reason == RefuseReason::kClientCertRate;
  return !above_rate || !table.rate_limit_closes;
}

proxy::Parsed ReceiveHeader(Side& client, char* scratch) {
  const int fd = client.fd.get();
  ssize_t peeked;
  do {
    peeked = raw::Recv(fd, scratch, proxy::kMaxHeaderBytes, MSG_PEEK | MSG_DONTWAIT);
  } while (peeked < 0 && errno == EINTR);
  if (peeked < 0 && errno == EAGAIN) return {};
  if (peeked <= 0) return proxy::Parsed::Bad("the client ended before its header did");

  const auto bytes = static_cast<size_t>(peeked);
  proxy::Parsed parsed = proxy::Parse(std::string_view(scratch, bytes));
  if (parsed.state == proxy::Parsed::State::kNeedMore && client.fin_arrived)
    return proxy::Parsed::Bad("the client ended before its header did");
  if (parsed.state != proxy::Parsed::State::kHeader) return parsed;
  const ssize_t taken = raw::Recv(fd, scratch, parsed.bytes, MSG_DONTWAIT);
  // An urgent byte within it.
  if (taken != static_cast<ssize_t>(parsed.bytes)) return proxy::Parsed::Bad("it is cut in two");
  const bool all_seen = bytes == parsed.bytes && bytes < proxy::kMaxHeaderBytes;
  client.readable = !all_seen || client.read_to_end;
  return parsed;
}

}  // namespace lb::dataplane
