// What a rule's access lists, PROXY settings and rate limit say about a client, before anything is
// done for it.
//
// Lists and limits are about the client's own address. Where a header tells it, they wait for the
// header; who may send one is asked of the socket's address. Threading: the I/O thread of the rule.
#pragma once

#include <openssl/ssl.h>

#include <memory>
#include <optional>

#include "base/time.h"
#include "dataplane/forward/side.h"
#include "dataplane/forward/thread_rule.h"
#include "dataplane/limit/client_connections.h"
#include "dataplane/proxy/parse.h"
#include "dataplane/snapshot/live_state.h"
#include "dataplane/snapshot/tables.h"

namespace lb::dataplane {

// False when ScreenSocket would let everybody in.
inline bool ScreensClients(const RuleTable& table) {
  return table.access != nullptr || (table.proxy != nullptr && table.proxy->refuse_others);
}

// Why the client of a socket just accepted is refused; nullopt when it is not, or not yet.
std::optional<RefuseReason> ScreenSocket(const RuleTable& table, int fd);

// True when the client must send a header first.
bool ExpectsHeader(const ProxyTable& proxy, int fd);

// True when the lists let a client of this address in.
bool MayConnect(const RuleTable& table, const SocketAddress& client);

// False when LimitClient would let everybody in.
inline bool LimitsClients(const RuleTable& table) {
  return table.rate_limiter != nullptr || table.client_connections != nullptr;
}

// Takes a token of the client from the rule's rate limit, and of the connections that it may have
// open one, which goes to `hold`. Why the client is refused; nullopt when it is not. Without a
// token where the rate limit only counts, it is not, and counted.
std::optional<RefuseReason> LimitClient(ThreadRule& rule, const SocketAddress& client, Instant now,
                                        std::unique_ptr<ClientConnections::Hold>& hold);

// Takes a token of the identity in the certificate that the client showed, where the rule limits
// those. False when it has none left and is to be refused; who showed none goes on.
bool LimitIdentity(ThreadRule& rule, const SSL& ssl, Instant now);

// True when there are such limits, and the socket's address is the client's.
bool LimitsBeforeHeader(const RuleTable& table, int fd);

// How a client that is refused sees it: a reset, or an end where the rate limit says so and behind
// the alert of a TLS handshake that failed.
bool WithReset(const RuleTable& table, RefuseReason reason);

// Reads the header as far as it has come: kNeedMore, then an event will say. Only a whole one is
// taken from the socket, and nothing behind it. `scratch` has proxy::kMaxHeaderBytes.
proxy::Parsed ReceiveHeader(Side& client, char* scratch);

}  // namespace lb::dataplane
