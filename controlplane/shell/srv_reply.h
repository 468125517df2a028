// Reads the SRV records of a DNS reply. Source: RFC 1035 section 4 and RFC 2782; the C library's
// bounds-checked reader (ns_initparse) walks the message. Pure; threading: none.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>
#include <vector>

#include "absl/status/statusor.h"

namespace lb::controlplane {

struct SrvTarget {
  std::string name;
  uint16_t port = 0;

  friend auto operator<=>(const SrvTarget&, const SrvTarget&) = default;
};

struct SrvReply {
  std::vector<SrvTarget> targets;  // Sorted, without repeats; at most kMaxSrvTargets.
  std::chrono::seconds ttl{0};     // The smallest of the records used.
};

// Most targets of one name that are looked up; a reply with more is cut.
inline constexpr size_t kMaxSrvTargets = 64;

// Returns the targets of the lowest priority number: RFC 2782 wants the others only when none of
// these can be reached. Errors: DataLoss for a malformed reply, NotFound when there is no record or
// the service is declared absent (target ".").
absl::StatusOr<SrvReply> ReadSrvReply(const unsigned char* reply, size_t bytes);

}  // namespace lb::controlplane
