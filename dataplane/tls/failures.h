// Why a handshake failed, as BoringSSL's error queue says it. To be asked right after the failure,
// on the same thread. Threading: any.
#pragma once

#include <openssl/ssl.h>

#include "dataplane/snapshot/live_state.h"

namespace lb::dataplane::tls {

// Of a handshake with a client.
HandshakeFailure ClassifyHandshakeFailure();

// Of a handshake with a backend.
ConnectFailure ClassifyBackendFailure(const SSL& ssl);

}  // namespace lb::dataplane::tls
