// The endpoints of Services as backends can be made of them. Plain values; threading: none.
#pragma once

#include <compare>
#include <map>
#include <string>
#include <vector>

#include "base/endpoint.h"
#include "controlplane/config/kubernetes_config.h"

namespace lb::controlplane {

// What is to become of an endpoint.
enum class EndpointState {
  kReady,
  kEnding,  // Its pod serves what it has and ends: for new connections only where none is ready.
};

struct ServiceEndpoint {
  Endpoint address;  // kIp.
  std::string pod;   // Empty: none, or one that is at several addresses.
  EndpointState state = EndpointState::kReady;

  friend auto operator<=>(const ServiceEndpoint&, const ServiceEndpoint&) = default;
};

// The endpoints known of each Service, sorted by address; a missing one is not known yet.
using Services = std::map<ServiceRef, std::vector<ServiceEndpoint>>;

}  // namespace lb::controlplane
