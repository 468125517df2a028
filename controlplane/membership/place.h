// Members' addresses as this program's own, and back. Pure; threading: none.
#pragma once

#include "base/endpoint.h"
#include "controlplane/membership/messages.h"

namespace lb::controlplane::swim {

// Of an IP endpoint; IPv4 always in its short form.
Address AddressOf(const Endpoint& endpoint);

// `address` has 4 or 16 bytes.
Endpoint EndpointOf(const Address& address);

// Whether only this host reaches it.
bool IsLoopback(const Endpoint& endpoint);

}  // namespace lb::controlplane::swim
