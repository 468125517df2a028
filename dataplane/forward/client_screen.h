// What a rule's access lists and PROXY settings say about a client, before anything is done for it.
//
// Lists are about the client's own address. Where a header tells it, they wait for the header; who
// may send one is asked of the socket's address. Threading: none.
#pragma once

#include <optional>

#include "dataplane/forward/side.h"
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

// Reads the header as far as it has come: kNeedMore, then an event will say. Only a whole one is
// taken from the socket, and nothing behind it. `scratch` has proxy::kMaxHeaderBytes.
proxy::Parsed ReceiveHeader(Side& client, char* scratch);

}  // namespace lb::dataplane
