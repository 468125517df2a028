// The part of explaining a connection that is about TLS: which route or certificate the name that a
// client asks for gets, what is asked of the client, and how backends are spoken to. Pure;
// threading: none.
#pragma once

#include <cstdint>
#include <string>

#include "controlplane/admin/explain_backends.h"

namespace lb::controlplane::explain {

// Appends the checks of routes, certificates and client certificates. `name` is in its one form
// (CanonicalHostName); empty: none is asked for. Returns the route whose backends the connection
// gets: 1 is the rule's first, 0 is none.
uint32_t CheckTls(const LiveRule& rule, const std::string& name, const View& view, Response& out);

// How the backends of that route are spoken to over TLS; nothing where they are not.
void CheckBackendTls(const LiveRule& rule, uint32_t route, const std::string& name, Response& out);

}  // namespace lb::controlplane::explain
