// Services of Kubernetes that backends come from, and where its API server is. Plain values;
// threading: none.
#pragma once

#include <compare>
#include <cstdint>
#include <string>

namespace lb::controlplane {

// One port of one Service: its endpoints are backends.
struct ServiceRef {
  std::string space;  // Namespace.
  std::string name;
  std::string port;  // Its name, or the number that pods listen on.

  // "shop/web:http"
  std::string ToString() const { return space + "/" + name + ":" + port; }

  friend auto operator<=>(const ServiceRef&, const ServiceRef&) = default;
};

struct KubernetesConfig {
  std::string api_server;  // "https://HOST:PORT"; empty: what the environment of a pod says.
  std::string token_file;  // Empty: a pod's own.
  std::string ca_file;     // Likewise.

  friend bool operator==(const KubernetesConfig&, const KubernetesConfig&) = default;
};

// Where an API server is, taken apart.
struct ApiServerPlace {
  bool tls = true;
  std::string host;  // A name or an IP address, without brackets.
  uint16_t port = 443;

  friend bool operator==(const ApiServerPlace&, const ApiServerPlace&) = default;
};

}  // namespace lb::controlplane
