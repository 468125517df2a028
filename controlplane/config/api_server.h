// The URL of an API server of Kubernetes. Pure; threading: none.
#pragma once

#include <string_view>

#include "absl/status/statusor.h"
#include "controlplane/config/kubernetes_config.h"

namespace lb::controlplane {

// Parses "https://HOST[:PORT]" or "http://HOST[:PORT]", with a '/' behind it or without; IPv6 in
// brackets. InvalidArgument says what is wrong, without the text.
absl::StatusOr<ApiServerPlace> ParseApiServer(std::string_view text);

// Whether `host` is an IP address of this host alone.
bool IsLoopback(std::string_view host);

}  // namespace lb::controlplane
