// This host's place in a cluster, as the configuration says it. Plain values; threading: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "base/endpoint.h"

namespace lb::controlplane {

struct ClusterConfig {
  // What becomes of limits while members do not see each other.
  enum class OnPartition { kDivide, kLocal };
  // What the smaller part of a split cluster has of them.
  enum class Minority { kShare, kFull };

  Endpoint bind_addr;                        // An IP address and port: UDP and TCP.
  std::optional<Endpoint> advertise_addr{};  // Likewise; absent: an address of this host.
  std::vector<Endpoint> peers{};             // IP addresses, DNS and SRV names; may be empty.
  std::string name{};                        // Empty: that of the node.
  std::string label{};                       // Empty: none.
  std::vector<std::string> keys{};  // Raw bytes, the first seals; empty: nothing is sealed.
  bool serf_delegate = true;        // False: members say nothing that Serf would read.
  std::optional<Endpoint> usage_bind_addr{};  // Absent: bind_addr with the next port.
  OnPartition on_partition = OnPartition::kDivide;
  uint32_t overcommit_thousandths = 2'000;
  Minority minority = Minority::kShare;
  std::optional<std::chrono::milliseconds> reclaim_after{};
  std::optional<std::chrono::milliseconds> forget_after{};

  friend bool operator==(const ClusterConfig&, const ClusterConfig&) = default;
};

// Whether `endpoint` is all addresses of a host, 0.0.0.0 or [::].
bool IsAnyAddress(const Endpoint& endpoint);

}  // namespace lb::controlplane
